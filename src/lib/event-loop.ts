/** One turn of the event loop: whatever else waits to run does so now. */
export const letOthersRun = () => new Promise<void>((resolve) => setImmediate(resolve));
