// A software bill of materials (SPDX 2.3) as `npm sbom` writes it knows of packages. What is linked into the addons
// it cannot know.

/** The same bill with `linked`, each { name, version, licence }, in the package that is called `into`. */
export function withLinkedCode(bill, into, linked) {
  const { SPDXID: container } = bill.packages.find(({ name }) => name === into);
  const packages = linked.map(({ name, version, licence }) => ({
    name,
    SPDXID: `SPDXRef-Linked-${name}-${version}`,
    versionInfo: version,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseDeclared: licence,
  }));
  const relationships = packages.map(({ SPDXID }) => ({
    spdxElementId: container,
    relatedSpdxElement: SPDXID,
    relationshipType: 'STATIC_LINK',
  }));
  return {
    ...bill,
    packages: [...bill.packages, ...packages],
    relationships: [...bill.relationships, ...relationships],
  };
}
