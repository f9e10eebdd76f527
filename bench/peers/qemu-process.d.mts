export function qemuObstacle(): string | null;
