/** What an image holds, and what each encoding would make of it: docs/image-format.md, docs/encodings.md. */
import { asPageferryError, PageferryError } from '../errors.js';
import { binding } from '../native/binding.js';
import type { ContentName } from '../native/contents.js';
import type { BlockOfPage, EncodingResult, Image, PageContent } from '../native/inspection.js';

/** An encoding as it would be used. */
export interface TriedEncoding {
  readonly encoding: ContentName;
  readonly level: number;
  readonly blockPages: number;
}

export interface EncodingFigures extends TriedEncoding {
  /** Pages that were tried: neither zero nor of one word. */
  readonly pages: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** In blocks that would be sent as they are. */
  readonly pagesRaw: number;
  readonly encodeNsPerPage: number;
  /** Null where all would be sent as they are. */
  readonly decodeNsPerPage: number | null;
}

export interface InspectedPages {
  /** At the first snapshot. */
  readonly contents: Readonly<Record<PageContent, number>>;
  readonly pages: number;
  readonly snapshots: number;
}

export interface InspectedPage {
  readonly page: number;
  readonly content: PageContent;
  /** What it takes encoded by itself; null where that is no fewer bytes than it has. */
  readonly encodings: readonly {
    readonly encoding: ContentName;
    readonly level: number;
    readonly bytes: number | null;
  }[];
}

const PAGE_BYTES = 4096;

function blocks(encoding: ContentName, blockPages: number, level = 1): TriedEncoding {
  return { encoding, level, blockPages };
}

/** Of the pages of the first snapshot. */
export const ENCODINGS: readonly TriedEncoding[] = [
  blocks('wkdm64', 16),
  blocks('wkdm32', 16),
  blocks('sparse', 16),
  blocks('lz4', 1),
  blocks('lz4', 16),
  blocks('zstd', 1),
  blocks('zstd', 16),
  blocks('zstd', 16, 3),
  blocks('zstd', 64, 3),
  blocks('zstd', 16, 9),
  blocks('zstd', 64, 9),
];

/** Of the pages that later snapshots change. */
export const ENCODINGS_OF_CHANGES: readonly TriedEncoding[] = [
  blocks('lz4', 16),
  blocks('zstd', 16),
  blocks('lz4-delta', 16),
  blocks('zstd-delta', 16),
  blocks('xbzrle', 16),
];

const ENCODINGS_OF_A_PAGE: readonly TriedEncoding[] = [
  blocks('sparse', 1),
  blocks('wkdm32', 1),
  blocks('wkdm64', 1),
  blocks('lz4', 1),
  blocks('zstd', 1),
  blocks('zstd', 1, 3),
  blocks('zstd', 1, 9),
];

/** Throws USAGE for a file that is no image, or is damaged. */
export class InspectedImage {
  readonly #path: string;
  readonly #image: Image;
  readonly #described: { readonly pages: number; readonly snapshots: number };

  private constructor(path: string, image: Image, described: InspectedImage['described']) {
    this.#path = path;
    this.#image = image;
    this.#described = described;
  }

  static async open(path: string): Promise<InspectedImage> {
    try {
      const described = await binding.describeImage(path);
      return new InspectedImage(path, await binding.openImage(path), described);
    } catch (error) {
      throw asPageferryError(error, `cannot read the image ${path}`);
    }
  }

  get described(): { readonly pages: number; readonly snapshots: number } {
    return this.#described;
  }

  async pages(): Promise<InspectedPages> {
    const contents = await this.#read(this.#image.countContents());
    return { ...this.#described, contents };
  }

  /** `mostPages` as of an EncodingTrial. */
  async try(tried: TriedEncoding, changes: boolean, mostPages: number): Promise<EncodingFigures> {
    const result = await this.#read(this.#image.tryEncoding({ ...tried, changes, mostPages }));
    return { ...tried, ...figuresOf(result) };
  }

  /** Throws USAGE for a page that it does not have. */
  async page(page: number): Promise<InspectedPage> {
    const { pages } = this.#described;
    if (page >= pages) {
      throw new PageferryError('USAGE', `${this.#path} has pages 0 to ${pages - 1}, not ${page}`);
    }
    const content = await this.#read(this.#image.lookAtPage(page));
    const encodings = [];
    for (const { encoding, level } of ENCODINGS_OF_A_PAGE) {
      const bytes = await this.#read(this.#image.tryPage(page, encoding, level));
      encodings.push({ encoding, level, bytes });
    }
    return { page, content, encodings };
  }

  /** The block that a sender would put the page into, of at most so many pages. */
  async blockOf(
    page: number,
    { encoding, level, blockPages }: TriedEncoding,
  ): Promise<BlockOfPage> {
    return await this.#read(this.#image.tryBlockOf(page, encoding, level, blockPages));
  }

  async #read<Answer>(reading: Promise<Answer>): Promise<Answer> {
    try {
      return await reading;
    } catch (error) {
      throw asPageferryError(error, `cannot inspect the image ${this.#path}`);
    }
  }
}

function figuresOf({ pages, bytesOut, pagesRaw, encodeNs, decodeNs }: EncodingResult) {
  const decoded = pages - pagesRaw;
  return {
    pages,
    bytesIn: pages * PAGE_BYTES,
    bytesOut,
    pagesRaw,
    encodeNsPerPage: pages === 0 ? 0 : Math.round(encodeNs / pages),
    decodeNsPerPage: decoded === 0 ? null : Math.round(decodeNs / decoded),
  };
}
