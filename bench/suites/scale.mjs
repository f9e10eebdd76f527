export const suite = {
  name: 'scale',
  title: 'size, and many at once',
  scenarios: [],
};
