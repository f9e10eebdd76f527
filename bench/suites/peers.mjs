export const suite = {
  name: 'peers',
  title: 'beside QEMU, on the same memory',
  scenarios: [],
};
