export function ModelHome() {
  return null;
}
