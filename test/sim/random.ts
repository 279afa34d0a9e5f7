// Choices that follow from a seed.

import { seededUnit } from "../../src/storage/faults.ts";

export class Random {
  private readonly unit: () => number;

  constructor(seed: number) {
    this.unit = seededUnit(seed);
  }

  /** An integer in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.unit() * limit);
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  between(least: number, most: number): number {
    return least + this.unit() * (most - least);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  /** One of the names, each as likely as its weight says. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const names = Object.keys(weights) as K[];
    let left = this.unit() * names.reduce((sum, name) => sum + weights[name], 0);
    const chosen = names.find((name) => {
      left -= weights[name];
      return left < 0;
    });
    return chosen ?? names[names.length - 1];
  }

  /** A generator of its own, so that what one part draws does not move another's draws. */
  fork(): Random {
    return new Random(this.below(2 ** 32));
  }
}
