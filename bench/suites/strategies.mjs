export const suite = {
  name: 'strategies',
  title: 'each strategy against dirty rate, link and content',
  scenarios: [],
};
