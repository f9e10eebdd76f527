export function readScenarioFile(file: string): {
  readonly name: string;
  readonly scenarios: readonly { readonly name: string }[];
};
