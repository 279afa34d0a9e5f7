import { describe, expect, it } from "bun:test";
import { formatDate, formatDateTime, parseDate, parseDateTime } from "../../src/lib/temporal.ts";

describe("dates", () => {
  it("are read from every accepted text", () => {
    for (const text of [
      "2024-02-29",
      "2024-2-29",
      "20240229",
      "2024-02-29T23:59:59Z",
      "2024-03-01T01:00:00+02:00",
    ]) {
      expect(parseDate(text)).toBe(19782);
    }
    expect(parseDate("0001-01-01")).toBe(-719162);
  });

  it("are refused where the calendar has none, or the text is another", () => {
    for (const text of [
      "2023-02-29",
      "2024-13-01",
      "nope",
      "",
      " 2024-02-29",
      "2024-02-29 ",
      "24-02-29",
      "2024-02-29T10:00Z",
    ]) {
      expect(parseDate(text)).toBeNull();
    }
  });

  it("print as ISO, or as the number where no calendar prints them", () => {
    expect(formatDate(19782)).toBe("2024-02-29");
    expect(formatDate(2 ** 31 - 1)).toBe(2 ** 31 - 1);
  });

  it("print only a year of four digits, which is what is read back", () => {
    expect(formatDate(2_932_896)).toBe("9999-12-31");
    expect(formatDate(2_932_897)).toBe(2_932_897);
    expect(formatDate(-719_528)).toBe("0000-01-01");
    expect(formatDate(-719_529)).toBe(-719_529);
    for (const days of [2_932_896, -719_528]) expect(parseDate(String(formatDate(days)))).toBe(days);
  });
});

describe("datetimes", () => {
  it("are converted to UTC and cut to milliseconds", () => {
    const noon = Date.UTC(2024, 1, 29, 12);
    expect(parseDateTime("2024-02-29T12:00:00Z")).toBe(noon);
    expect(parseDateTime("2024-02-29 12:00:00")).toBe(noon);
    expect(parseDateTime("2024-02-29T14:00:00+02:00")).toBe(noon);
    expect(parseDateTime("2024-02-29T12:00:00.1239999Z")).toBe(noon + 123);
    expect(parseDateTime("2024-02-29")).toBe(Date.UTC(2024, 1, 29));
  });

  it("need their seconds and real clock times", () => {
    for (const text of [
      "2024-02-29T12:00Z",
      "2024-02-29T24:00:00Z",
      "2024-02-29T12:60:00Z",
      "2024-02-30T12:00:00Z",
    ]) {
      expect(parseDateTime(text)).toBeNull();
    }
  });

  it("always print three decimals", () => {
    expect(formatDateTime(0)).toBe("1970-01-01T00:00:00.000Z");
    expect(formatDateTime(9e15)).toBe(9e15);
  });

  it("print as the number before the year 0 and after the year 9999", () => {
    expect(formatDateTime(253_402_300_799_999)).toBe("9999-12-31T23:59:59.999Z");
    expect(formatDateTime(253_402_300_800_000)).toBe(253_402_300_800_000);
    expect(formatDateTime(-62_167_219_200_000)).toBe("0000-01-01T00:00:00.000Z");
    expect(formatDateTime(-62_167_219_200_001)).toBe(-62_167_219_200_001);
    for (const ms of [253_402_300_799_999, -62_167_219_200_000]) {
      expect(parseDateTime(String(formatDateTime(ms)))).toBe(ms);
    }
  });
});
