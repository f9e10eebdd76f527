/// <reference lib="dom" />
// What the browser test runs in the page: each function is sent there as text, so it uses nothing from outside.

/** In the page: what each plot without a visible size or without a visible mark is about. */
export function findEmptyPlots(): string[] {
  const isVisible = (mark: Element) => {
    const { width, height } = mark.getBoundingClientRect();
    const { stroke, fill, opacity } = getComputedStyle(mark);
    return width + height > 0 && opacity !== '0' && (stroke !== 'none' || fill !== 'none');
  };
  return [...document.querySelectorAll('svg')]
    .filter((plot) => {
      const { width, height } = plot.getBoundingClientRect();
      const marks = [...plot.querySelectorAll('path, rect, circle')];
      const drawn = marks.filter(
        (mark) => !/axis|grid/.test(mark.closest('g')?.getAttribute('aria-label') ?? ''),
      );
      return width < 250 || height < 60 || !drawn.some(isVisible);
    })
    .map((plot) => `${plot.getAttribute('aria-label')}`);
}

/** In the page: texts with less contrast to the page than WCAG's 4.5 : 1, or smaller than can be read. */
export function findFaintTexts(): string[] {
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  if (context === null) return ['there is no canvas to read colours from'];
  const luminance = (color: string) => {
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    const [r = 0, g = 0, b = 0] = [...context.getImageData(0, 0, 1, 1).data]
      .map((value) => value / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = luminance(getComputedStyle(document.body).backgroundColor);
  const selector = 'h1, h2, h3, p, th, td, td span, dt, dd, li, figcaption, a, svg text';
  return [...document.querySelectorAll(selector)]
    .filter((element) => {
      const style = getComputedStyle(element);
      const ink = luminance(element instanceof SVGElement ? style.fill : style.color);
      const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
      const svg = element.closest('svg');
      const scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
      return contrast < 4.5 || Number.parseFloat(style.fontSize) * scale < 8.9;
    })
    .map((element) => `${element.textContent}`.slice(0, 80));
}
