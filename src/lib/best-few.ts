// The few best of many: a heap whose root is the worst that is still kept.

export class BestFew {
  private readonly numbers: Int32Array;
  private readonly costs: Float64Array;
  private size = 0;

  constructor(
    /** How many are kept. */
    private readonly wanted: number,
    /** Which of two at the same cost comes first. */
    private readonly compare: (a: number, b: number) => number,
  ) {
    this.numbers = new Int32Array(wanted);
    this.costs = new Float64Array(wanted);
  }

  /** What costs more than this will not be kept. */
  get limit(): number {
    if (this.size < this.wanted) return Number.POSITIVE_INFINITY;
    return this.wanted === 0 ? Number.NEGATIVE_INFINITY : this.costs[0];
  }

  offer(number: number, cost: number): void {
    if (this.size < this.wanted) {
      this.size++;
      this.rise(this.size - 1, number, cost);
    } else if (this.wanted > 0 && this.isWorse(this.numbers[0], this.costs[0], number, cost)) {
      this.sink(number, cost);
    }
  }

  /** All that was kept, best first. */
  sorted(): { readonly numbers: Int32Array; readonly costs: Float64Array } {
    const order = Array.from({ length: this.size }, (_, i) => i);
    order.sort((a, b) => this.costs[a] - this.costs[b] || this.compare(this.numbers[a], this.numbers[b]));
    return {
      numbers: Int32Array.from(order, (i) => this.numbers[i]),
      costs: Float64Array.from(order, (i) => this.costs[i]),
    };
  }

  private isWorse(number: number, cost: number, than: number, thanCost: number): boolean {
    return cost > thanCost || (cost === thanCost && this.compare(number, than) > 0);
  }

  private rise(from: number, number: number, cost: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.isWorse(number, cost, this.numbers[parent], this.costs[parent])) break;
      this.numbers[at] = this.numbers[parent];
      this.costs[at] = this.costs[parent];
      at = parent;
    }
    this.numbers[at] = number;
    this.costs[at] = cost;
  }

  /** Puts an entry in the place of the worst. */
  private sink(number: number, cost: number): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.size) break;
      const other = child + 1;
      if (
        other < this.size &&
        this.isWorse(this.numbers[other], this.costs[other], this.numbers[child], this.costs[child])
      )
        child = other;
      if (!this.isWorse(this.numbers[child], this.costs[child], number, cost)) break;
      this.numbers[at] = this.numbers[child];
      this.costs[at] = this.costs[child];
      at = child;
    }
    this.numbers[at] = number;
    this.costs[at] = cost;
  }
}
