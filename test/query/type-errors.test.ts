// Every code of the checker with texts that raise it, and a neighbour of each that passes.

import { describe, expect, it } from "bun:test";
import { planQuery } from "../../src/query/index.ts";
import type { Catalog } from "../../src/schema/catalog.ts";
import { library, matching, messageOf, people, plan, planMessage, returning } from "./fixtures.ts";

type Case = readonly [body: string, phrase?: string];

interface Code {
  readonly code: string;
  readonly refuses: readonly Case[];
  readonly accepts: readonly string[];
}

const insertDoc = (more: string) => `insert Doc { slug: $s, title: $s, state: "live", made: $v3, ${more} }`;
const byVector = "order { nearest($x.vec, $v3) }";

const codes: readonly Code[] = [
  {
    code: "T1",
    refuses: [
      ["match { $x: Nothing } return { $x }", "unknown node type 'Nothing'"],
      ["match { $x: Cites } return { $x }", "'Cites' is an edge type"],
      [matching("not { $y: Nothing $x cites $y }")],
    ],
    accepts: ["match { $x: Doc } return { $x }", "match { $x: Plain } return { $x }"],
  },
  {
    code: "T2",
    refuses: [
      [matching("$x: Doc { nothing: 1 }"), "node type 'Doc' has no property 'nothing' (it has at, body, "],
      [matching('$x: Doc { id: "a" }')],
    ],
    accepts: [matching('$x: Doc { slug: "a" }')],
  },
  {
    code: "T3",
    refuses: [
      [matching("$x: Doc { title: 1 }"), "property 'Doc.title' is String and takes no I64 literal"],
      [matching('$x: Doc { pages: "1" }')],
      [matching("$x: Doc { flag: 1 }")],
      [matching('$x: Doc { at: "2025-01-01" }'), 'a date is written date("…"), a time datetime("…")'],
      [matching('$x: Doc { at: date("2025-01-01") }')],
      [matching('$x: Doc { state: "gone" }'), "expects one of [draft, live], got 'gone'"],
      [matching('$x: Doc { tags: ["x"] }'), "match it by one element, not by a list"],
      [matching("$x: Doc { tags: 1 }")],
      [matching('$x: Doc { scan: "a" }'), "is a Blob and cannot be matched"],
      [matching("$x: Doc { scan: $blob }"), "is a Blob and cannot be matched"],
      [matching("$x: Doc { vec: [1, 2] }"), "is Vector(3)?, the literal has 2 elements"],
      [matching('$x: Doc { vec: [1, 2, "3"] }')],
      [matching("$x: Doc { vec: 1 }")],
      [matching(`$x: Doc { vec: [1, 2, ${"9".repeat(60)}.0] }`), "finite numbers only"],
      [matching('$x: Doc { title: ["a"] }')],
      [insertDoc('pages: "1"')],
      [insertDoc('scan: "base64:aGk="'), "takes a Blob or String parameter, no literal"],
      [insertDoc("tags: [1]")],
      [insertDoc('tags: "a"')],
      [insertDoc("scores: []"), "property 'Doc.scores' is [I32]? and takes no [String] literal"],
      [insertDoc("vec: [1]")],
      ['update Doc set { state: "gone" } where slug = $s', "expects one of [draft, live], got 'gone'"],
      ["update Doc set { title: null } where slug = $s", "property 'Doc.title' is String and cannot be null"],
      ["insert HeldIn { from: 1, to: $s }"],
      ["insert HeldIn { from: null, to: $s }"],
      ['delete Doc where pages = "1"'],
      ["delete Cites where from = 1"],
    ],
    accepts: [
      matching(
        '$x: Doc { title: "a", pages: 2.7, weight: 1, flag: true, state: "live", tags: "x", scores: 1.5 }',
      ),
      matching(
        '$x: Doc { at: datetime("2025-01-01"), day: date("2025-01-01"), times: datetime("2025-01-01") }',
      ),
      matching("$x: Doc { vec: [1, 2.5, 3] }"),
      insertDoc('tags: [], scores: [1, 2], vec: [1, 2, 3], times: [datetime("2025-01-01")], ratio: 1'),
      "update Doc set { pages: null } where slug = $s",
      'delete Doc where state = "gone"',
    ],
  },
  {
    code: "T4",
    refuses: [
      [matching("$x knows $y"), "unknown edge 'knows' (the schema has Cites, HeldIn, Plain)"],
      [matching("$s contains $x"), "unknown edge 'contains'"],
      [matching("$x <knows> $y")],
    ],
    accepts: [matching("$x cites $y"), matching("$x heldin $y"), matching("$x heldIn $y")],
  },
  {
    code: "T5",
    refuses: [
      [
        "match { $w: Plain $w cites $y } return { $y }",
        "`$w` is a Plain, which does not fit edge 'Cites' from Doc to Doc",
      ],
      ["match { $w: Plain $y cites $w } return { $y }"],
      ["match { $w: Plain $w <cites> $y } return { $y }"],
      [matching("$y: Doc $x heldIn $y")],
      [matching("$x heldIn $x")],
      ["match { $z heldIn $z } return { $z }"],
    ],
    accepts: [
      matching("$p: Pair $x heldIn $p"),
      matching("$p: Pair $p heldIn $x"),
      matching("$x cites $x"),
      "match { $z cites $z } return { $z }",
    ],
  },
  {
    code: "T6",
    refuses: [
      [matching("$y.title = $s"), "variable `$y` is not bound"],
      [matching("$x.nothing = $s"), "node type 'Doc' has no property 'nothing'"],
      [matching("$x.id = $s")],
      [
        matching("$x $w:cites $y $w.from = $s"),
        "edge type 'Cites' has no property 'from' (it has note, place, scan, weight)",
      ],
      [matching("$x $w:cites $y $w.id = $s")],
      [matching("$x $w:heldIn $y $w.note = $s"), "(it has none)"],
      [matching("$x cites $_ $_.title = $s"), "variable `$_` is not bound"],
      [matching("$y.title = $s $y: Doc"), "is not bound"],
      [matching("not { $x cites $y } $y.title = $s"), "is not bound"],
      [matching("$s.title = $s"), "variable `$s` is not bound"],
      [matching("$x: Doc { title: $nothing }"), "`$nothing` is not a declared parameter"],
      [matching("$x: Doc { title: $x }")],
      [matching("$x: Doc { title: $_ }")],
      [returning("$x.nothing")],
      [returning("$x.slug", "order { $y.slug }")],
      [matching("search($y.title, $s)")],
    ],
    accepts: [
      matching("$x.title = $s"),
      matching("$x $w:cites $y $w.note = $s"),
      matching("$x: Doc { title: $s }"),
    ],
  },
  {
    code: "T7",
    refuses: [
      [matching("$x.title = $i"), "cannot apply '=' to String and I32: it needs compatible types"],
      [matching('$x.at < "2025-01-01"'), 'a time datetime("…")'],
      [matching("$x.day = $at")],
      [matching("$x.flag > 1")],
      [matching("$x = $x"), "node variable `$x` is not a scalar"],
      [matching("$x.tags = $ss"), "compares scalars, neither lists nor vectors"],
      [matching('$x.tags = "a"')],
      [matching("$x.vec = $v3")],
      [matching("[1] = [1]")],
      [matching('$x.pages contains "1"')],
      [matching("$x.tags contains 1")],
      [matching("$x.tags contains $ss")],
      [matching("$x.title contains $i")],
      [matching("$x.vec contains 1")],
      [matching("$x.tags starts_with $s")],
      [matching("$x.pages starts_with 1")],
      [matching("$x.title contains $x.tags")],
      [matching("count($x) > 1"), "count(…) cannot be an operand of a filter"],
      [matching("total = 1"), "alias 'total' cannot be an operand of a filter"],
      [matching("bm25($x.title, $s) > 1")],
      [matching("nearest($x.vec, $v3) < 1")],
      [matching("rrf(bm25($x.title, $s), bm25($x.body, $s)) < 1")],
      [matching("search($x.title, $s) = 1"), "compares with a Bool literal or parameter only"],
      [matching("search($x.title, $s) = $x.flag")],
      [matching("search($x.title, $s) = search($x.body, $s)")],
      [matching("search($x.title, $s) < true"), "compares by = or != only"],
      [matching("$x: Doc { title: $i }"), "property 'Doc.title' is String, parameter `$i` is I32"],
      [matching("$x: Doc { tags: $ss }"), "property 'Doc.tags' is [String]?, parameter `$ss` is [String]"],
      [matching("$x: Doc { vec: $v2 }")],
      [matching("$x: Doc { vec: $fs }")],
      [matching("$x: Doc { day: now() }"), "now() is DateTime"],
      [insertDoc("pages: $s")],
      [insertDoc("day: now()")],
      [insertDoc("times: now()")],
      [insertDoc("tags: $s")],
      [insertDoc("vec: $v2")],
      [insertDoc("vec: $fs")],
      [insertDoc("scan: $i")],
      [insertDoc("scan: $ss")],
      [insertDoc("body: $blob")],
      ["insert HeldIn { from: $i, to: $s }"],
      ["insert HeldIn { from: now(), to: $s }"],
      ["delete Doc where tags = $ss", "where compares scalars"],
      ["delete Doc where tags = $s", "where compares scalars"],
      ["delete Doc where vec = $v3"],
      ["delete Doc where pages = $s"],
      ["delete Doc where day < now()"],
      ["delete Cites where to = $i"],
    ],
    accepts: [
      matching("$x.title = $s $x.pages < $d $x.bytes != $i $x.weight >= 1 $x.flag < true $s = $os"),
      matching('$x.at < datetime("2025-01-01T00:00:00Z") $x.at <= now() $x.day > date("2025-01-01")'),
      matching('$x.state = "unknown value" $x.state starts_with "dr" $x.title contains $x.state'),
      matching(
        '$x.tags contains "a" ["a", "b"] contains $x.title $ss contains $x.title $x.scores contains 1.5',
      ),
      matching('"we like rome" contains $x.title [] contains $x.title $s contains "x" $s contains $x.title'),
      matching("search($x.title, $s) = false search($x.title, $s) != $b true = match_text($x.title, $s)"),
      matching("$x: Doc { title: $os, tags: $s, vec: $v3, at: now(), times: now(), pages: $ul }"),
      matching("$x $w:cites $y $w.note = $y.title"),
      insertDoc("pages: $d, at: now(), tags: $ss, scores: $fs, vec: $v3, scan: $blob, body: $os"),
      "insert Doc { slug: $s, title: $s, state: $s, made: $v3, scan: $s }",
      "delete Doc where at < now()",
      "delete Cites where from >= $s",
    ],
  },
  {
    code: "T8",
    refuses: [
      [returning("sum($x.title)"), "sum takes numbers, `$x.title` is String"],
      [returning("avg($x.flag)")],
      [returning("sum($x.scores)")],
      [returning("sum($x)"), "`$x` is a node"],
      [returning("avg($x)")],
      [returning("sum(now())")],
      [returning("min($x.flag)"), "min takes numbers or Strings"],
      [returning("max($x.at)")],
      [returning("max($x.vec)")],
      [returning("min($x.tags)")],
      [returning("count(count($x))"), "not count(…)"],
      [returning("max(sum($x.pages))")],
      [returning("sum(bm25($x.title, $s))")],
      [returning("count(search($x.title, $s))")],
      [returning("count(total)")],
    ],
    accepts: [
      returning("sum($x.pages), avg($x.weight), min($x.title), max($x.state), min($x.ratio), count($x.tags)"),
      returning("count($x), count(1), sum($i), max($s), count($x.vec), min($x)"),
    ],
  },
  {
    code: "T9",
    refuses: [
      [matching("not { $y: Doc }"), "must refer to a variable bound outside"],
      [matching("not { $y: Doc { title: $s } $y cites $z }")],
      [matching("not { $s = $os }")],
      [matching("not { $y: Doc not { $x cites $y } }")],
      [matching("not { $_ cites $_ }")],
      [matching('not { $x cites $y not { $z: Doc { slug: "a" } } }')],
      [returning('count($x), "x"'), "return only properties and variables: the literal is neither"],
      [returning("count($x), now()")],
      [returning("count($x), bm25($x.title, $s)")],
      [returning("search($x.title, $s), count($x)")],
    ],
    accepts: [
      matching("not { $x cites $_ }"),
      matching("not { $y: Doc $x cites $y }"),
      matching("not { $x: Doc { title: $s } }"),
      matching("not { $x.title = $s }"),
      matching("not { $s = $x.title }"),
      matching("not { search($x.title, $s) }"),
      matching("not { search($x.title, $s) = false }"),
      matching("$x $w:cites $y not { $w.note = $s }"),
      matching('not { $x cites $y not { $y.title = "a" } }'),
      matching("not { $x cites $y $y cites $z not { $x.title = $z.title } }"),
      returning("count($x), $x.title, $x, $s"),
    ],
  },
  {
    code: "T10",
    refuses: [
      ["insert Nothing { a: 1 }", "insert of unknown node or edge type 'Nothing'"],
      ["update Nothing set { a: 1 } where b = 1"],
      ["delete Nothing where a = 1"],
      ["insert Doc { }", "a statement on 'Doc' assigns nothing"],
      ["update Doc set { } where slug = $s", "assigns nothing"],
    ],
    accepts: ["insert Plain { word: $s }", "delete Cites where from = $s"],
  },
  {
    code: "T11",
    refuses: [
      ["insert Plain { nothing: 1 }", "node type 'Plain' has no property 'nothing' (it has word)"],
      ["insert Plain { id: $s }"],
      ["insert Plain { from: $s }"],
      ["insert HeldIn { from: $s, to: $s, note: $s }"],
      ["insert HeldIn { src: $s, dst: $s }"],
      ["update Doc set { nothing: 1 } where slug = $s"],
      ["update Doc set { pages: 1 } where nothing = $s"],
      ["delete Doc where id = $s"],
      ["delete Doc where scan = $s", "property 'Doc.scan' is a Blob and cannot stand in where"],
      ["delete Cites where scan = $blob"],
      ["delete Cites where id = $s"],
    ],
    accepts: ["insert Plain { word: $s }", "delete Doc where slug = $s", "delete Cites where place = $s"],
  },
  {
    code: "T12",
    refuses: [
      ["insert Doc { title: $s, state: $s, made: $v3 }", "insert Doc must assign 'slug'"],
      ["insert Doc { slug: $s, state: $s, body: $s }", "must assign 'made', 'title'"],
      ["insert Pair { hall: $s }", "insert Pair must assign 'number'"],
      ["insert HeldIn { from: $s }", "insert HeldIn must assign 'to'"],
      ["insert HeldIn { to: $s }", "must assign 'from'"],
      ["insert Cites { from: $s, to: $s }", "must assign 'place'"],
    ],
    accepts: [
      "insert Doc { slug: $s, title: $s, state: $s }",
      "insert Pair { hall: $s, number: $u }",
      "insert HeldIn { from: $s, to: $s }",
      "insert Cites { from: $s, to: $s, place: $s, scan: $blob }",
    ],
  },
  {
    code: "T13",
    refuses: [
      ["insert Plain { word: $s, word: $s }", "property 'word' of 'Plain' is assigned twice"],
      ["insert HeldIn { from: $s, from: $s, to: $s }"],
      ["update Doc set { pages: 1 pages: 2 } where slug = $s"],
    ],
    accepts: ["update Doc set { pages: 1 } where pages = 1 update Doc set { pages: 1 } where pages = 2"],
  },
  {
    code: "T14",
    refuses: [
      ["insert Plain { word: $nothing }", "`$nothing` is not a declared parameter"],
      ["update Doc set { pages: $nothing } where slug = $s"],
      ["delete Doc where slug = $nothing"],
      ["delete Cites where from = $_"],
    ],
    accepts: ["delete Doc where slug = $os"],
  },
  {
    code: "T15",
    refuses: [
      [matching("$x cites{0,2} $y"), "the least is 1"],
      [matching("$x cites{3,2} $y"), "end at 2, before 3"],
      [matching("$x cites{1,} $y"), "unbounded traversal is disabled"],
      [matching("not { $x <cites>{0,1} $y }")],
      [returning("$x", "order { nearest($y.vec, $v3) } limit 1"), "variable `$y` is not bound"],
      [returning("$x", "order { nearest($x.nothing, $v3) } limit 1"), "has no property 'nothing'"],
      [
        returning("$x", "order { nearest($x.title, $v3) } limit 1"),
        "ranks by a Vector property, `$x.title` is String",
      ],
      [returning("$x", "order { nearest($x.vec, $v2) } limit 1"), "is Vector(3), the query is Vector(2)"],
      [returning("$x", "order { nearest($x.vec, [1, 2]) } limit 1")],
      [returning("$x", "order { nearest($x.vec, []) } limit 1")],
      [returning("$x", 'order { nearest($x.vec, ["a", "b", "c"]) } limit 1'), "must be a Vector or String"],
      [returning("$x", "order { nearest($x.vec, 1) } limit 1")],
      [returning("$x", "order { nearest($x.vec, $fs) } limit 1")],
      [returning("$x", "order { nearest($x.vec, $x.vec) } limit 1")],
      [returning("$x", "order { nearest($x.vec, $x) } limit 1")],
      [returning("nearest($x.vec, $v2)")],
    ],
    accepts: [
      matching("$x cites{1,1} $y"),
      matching("$x heldIn{2,4} $y"),
      matching("$x <cites>{1,4294967295} $y"),
      returning("$x", `${byVector} limit 1`),
      returning("$x", "order { nearest($x.made, [1, 2.5, 3]) } limit 1"),
      returning("$x", 'order { nearest($x.vec, "words") } limit 1'),
      returning("$x", "order { nearest($x.vec, $os) } limit 1"),
    ],
  },
  {
    code: "T16",
    refuses: [["update Cites set { note: $s } where from = $s", "'Cites' is an edge type"]],
    accepts: ["update Plain set { word: $s } where word = $s"],
  },
  {
    code: "T17",
    refuses: [
      [returning("$x", byVector), "ordering by nearest needs a limit"],
      [returning("nearest($x.vec, $v3) as score", "order { score }")],
    ],
    accepts: [
      returning("$x", `${byVector} limit 0`),
      returning("nearest($x.vec, $v3) as score", "order { score } limit 1"),
      returning("nearest($x.vec, $v3) as score", "order { $x.slug }"),
    ],
  },
  {
    code: "T18",
    refuses: [[returning("$x.slug as name", "order { nearest($x.vec, $v3), name } limit 1")]],
    accepts: [
      returning("$x.slug", "order { nearest($x.vec, $v3), $x.slug } limit 1"),
      returning("$x.slug as name", "order { bm25($x.title, $s), name }"),
      returning("$x.slug as name", "order { rrf(nearest($x.vec, $v3), bm25($x.title, $s)), name } limit 1"),
    ],
  },
  {
    code: "T19",
    refuses: [
      [matching("search($x.pages, $s)"), "the field of search must be a String, `$x.pages` is I32?"],
      [matching("search($x.tags, $s)")],
      [matching("search($x, $s)")],
      [matching('search("a", $s)')],
      [matching("search($s, $s)")],
      [matching("search($x.title, $i)"), "the query of search must be a String literal or parameter"],
      [matching("search($x.title, $ss)")],
      [matching("search($x.title, 1)")],
      [matching("search($x.title, $x.body)")],
      [matching("search($x.title, now())")],
      [matching("search($x.title, $x)")],
      [matching("fuzzy($x.pages, $s)")],
      [matching('fuzzy($x.title, $s, "2")'), "max_edits of fuzzy must be an integer"],
      [matching("fuzzy($x.title, $s, 1.5)")],
      [matching("fuzzy($x.title, $s, $d)")],
      [matching("fuzzy($x.title, $s, -1)"), "must not be negative, got -1"],
      [matching("fuzzy($x.title, $s, $x.pages)")],
      [matching("not { search($x.pages, $s) }")],
      [matching("search($x.pages, $s) = false")],
    ],
    accepts: [
      matching('search($x.title, $s) search($x.state, "live") search($x.body, $os)'),
      matching("fuzzy($x.title, $s) fuzzy($x.title, $s, 0) fuzzy($x.title, $s, $u)"),
    ],
  },
  {
    code: "T20",
    refuses: [
      [matching("match_text($x.pages, $s)"), "the field of match_text must be a String"],
      [matching("match_text($x.title, 1)")],
      [matching("match_text($x.title, $x.body)")],
      [returning("$x", "order { bm25($x.pages, $s) }"), "the field of bm25"],
      [returning("$x", "order { bm25($x.title, $i) }"), "the query of bm25"],
      [returning("$x", "order { bm25($x, $s) }")],
      [returning("bm25($x.tags, $s)")],
    ],
    accepts: [matching("match_text($x.state, $s)"), returning("$x", 'order { bm25($x.title, "a b") desc }')],
  },
  {
    code: "T21",
    refuses: [
      [
        returning("$x", "order { rrf($x.title, bm25($x.title, $s)) } limit 1"),
        "each a nearest(…) or bm25(…)",
      ],
      [
        returning(
          "$x",
          "order { rrf(bm25($x.title, $s), rrf(bm25($x.title, $s), bm25($x.body, $s))) } limit 1",
        ),
      ],
      [
        returning("$x", "order { rrf(bm25($x.title, $s), nearest($x.vec, $v3), 0) } limit 1"),
        "greater than 0, got 0",
      ],
      [returning("$x", "order { rrf(bm25($x.title, $s), nearest($x.vec, $v3), -3) } limit 1")],
      [
        returning("$x", "order { rrf(bm25($x.title, $s), nearest($x.vec, $v3), 1.5) } limit 1"),
        "must be an integer",
      ],
      [returning("$x", "order { rrf(bm25($x.title, $s), nearest($x.vec, $v3), $s) } limit 1")],
      [
        returning("$x", "order { rrf(bm25($x.title, $s), nearest($x.vec, $v3)) }"),
        "ordering by rrf needs a limit",
      ],
      [returning("rrf(bm25($x.title, $s), nearest($x.vec, $v3)) as score", "order { score desc }")],
    ],
    accepts: [
      returning("$x", "order { rrf(bm25($x.title, $s), bm25($x.body, $s), 60) } limit 1"),
      returning("$x", "order { rrf(nearest($x.vec, $v3), nearest($x.made, $s), $i) } limit 1"),
      returning("rrf(bm25($x.title, $s), nearest($x.vec, $v3), 1) as score", "order { score desc } limit 5"),
      returning("rrf(bm25($x.title, $s), nearest($x.vec, $v3)) as score"),
    ],
  },
  {
    code: "T22",
    refuses: [
      [matching("$x <heldIn> $y"), "edge 'HeldIn' goes from Doc to Pair"],
      [matching("not { $x <heldIn> $_ }")],
    ],
    accepts: [matching("$x <cites> $y"), matching("not { $x <cites> $_ }")],
  },
  {
    code: "T23",
    refuses: [
      [matching("$x $w:cites{1,2} $y"), "edge binding `$w:cites` takes no hop bounds"],
      [matching("$x $w:cites{1,1} $y")],
      [matching("$x $_:cites{1,2} $y")],
      [matching("$x $x:cites $y"), "is also an end of its traversal"],
      [matching("$x $y:cites $y")],
      [matching("$y: Doc $x $y:cites $z"), "edge variable `$y` is already bound"],
      [matching("$x $w:cites $y $x $w:cites $z")],
      [matching("$x $w:cites $y not { $x $w:cites $z }")],
      [matching("$x $w:cites $y $w cites $z"), "cannot be an end of a traversal"],
      [matching("$x $w:cites $y $z cites $w")],
      [matching("$x $w:cites $y $w: Doc"), "cannot be bound again as a node"],
      [matching("$x $w:cites $y $w = $s"), "edge variable `$w` has no value of its own"],
      ["match { $x: Doc $x $w:cites $y } return { $w }", "has no value of its own"],
      ["match { $x: Doc $x $w:cites $y } return { count($w) }"],
      [matching("$x $w:cites $y search($w.note, $s)"), "search searches nodes"],
      [matching("$x $w:cites $y fuzzy($w.note, $s)")],
      [matching("$x $w:cites $y match_text($w.note, $s)")],
      ["match { $x: Doc $x $w:cites $y } return { $x } order { bm25($w.note, $s) }"],
      ["match { $x: Doc $x $w:cites $y } return { $x } order { nearest($w.note, $s) } limit 1"],
    ],
    accepts: [
      matching("$x $w:cites $y $w.note = $s"),
      matching("$x $w:<cites> $y"),
      matching("$x $_:cites $y $x $_:cites $z"),
      matching("not { $x $w:cites $y } not { $x $w:heldIn $y }"),
      matching("$x $s:cites $y $s.note = $s"),
      "match { $x $w:cites $y } return { $w.note, count($w.weight) }",
    ],
  },
  {
    code: "T24",
    refuses: [
      [returning("$x.scan"), "`$x.scan` is a Blob, which a read cannot return"],
      [returning("$blob")],
      [returning("$x.scan as picture")],
      [returning("count($x.scan)")],
      [returning("min($x.scan)")],
      [returning("sum($blob)")],
      [returning("$x", "order { $x.scan }"), "cannot be ordered by"],
      [matching("$x.scan = $s"), "`$x.scan` is a Blob and cannot be compared"],
      [matching("$s = $blob")],
      [matching("$blob contains $x.title")],
      [matching("not { $x.scan != $s }")],
      ["match { $x $w:cites $y } return { $w.scan }"],
    ],
    accepts: [returning("$x")],
  },
];

describe.each(codes)("$code", ({ code, refuses, accepts }) => {
  it.each(refuses)("is raised by %s", (body, phrase = "") => {
    const message = planMessage(body);
    expect(message).toStartWith(`type error: ${code}: `);
    expect(message).toContain(phrase);
  });

  it.each(accepts)("is not raised by %s", (body) => {
    expect(planMessage(body)).toBe("(nothing was thrown)");
  });
});

describe("errors without a code", () => {
  it.each([
    [matching("$y = $s"), "variable `$y` is not bound"],
    [matching("$_ = $s"), "variable `$_` is not bound"],
    [returning("$y"), "variable `$y` is not bound"],
    [returning("count($y)"), "variable `$y` is not bound"],
    [matching("search($x.title, $y)"), "variable `$y` is not bound"],
    [matching("$x: Pair"), "variable `$x` already bound to type `Doc`"],
    [matching("$x heldIn $y $y: Doc"), "variable `$y` already bound to type `Pair`"],
    [matching("not { $x: Pair }"), "variable `$x` already bound to type `Doc`"],
    ["match { $_: Doc } return { 1 }", "`$_` cannot be bound to a node type"],
    [matching("$x.title = [[1]]"), "nested list literals are not supported"],
    [matching('$x.title = [1, "a"]'), "list literal elements must share a compatible scalar type"],
    [
      matching('$x.title = [date("2025-01-01"), datetime("2025-01-01")]'),
      "must share a compatible scalar type",
    ],
    [insertDoc("tags: [[1]]"), "nested list literals are not supported"],
    [returning("total"), "alias 'total' is no value to return"],
    [returning("$x.slug as a, a"), "alias 'a' is no value to return"],
    [returning("$x.slug", "order { slug }"), "alias 'slug' not found for ordering"],
    [returning("$x.slug as name", "order { other desc }"), "alias 'other' not found for ordering"],
    [returning("$x.slug", "order { $x }"), "unsupported ordering expression"],
    [returning("$x.slug", "order { $s }"), "unsupported ordering expression"],
    [returning("$x.slug", "order { 1 }"), "unsupported ordering expression"],
    [returning("$x.slug", "order { now() }"), "unsupported ordering expression"],
    [returning("count($x)", "order { count($x) }"), "unsupported ordering expression"],
    [returning("$x.slug", "order { search($x.title, $s) }"), "unsupported ordering expression"],
    [returning("$x.slug", "order { $x.slug, bm25($x.title, $s) }"), "bm25(…) must be the first key"],
    [returning("$x.slug", "order { $x.tags }"), "unsupported ordering expression: `$x.tags` is [String]?"],
    [returning("$x.vec as v", "order { v }"), "unsupported ordering expression: alias 'v' is Vector(3)?"],
    [returning("count($x) as n, $x.state", "order { $x.title }"), "unsupported ordering expression"],
    ["update Doc set { slug: $s } where title = $s", "cannot update @key property 'slug'"],
    ["update Pair set { note: $s, number: $u } where hall = $s", "cannot update @key property 'number'"],
  ])("%s", (body, phrase) => {
    const message = planMessage(body);
    expect(message).toStartWith("type error: ");
    expect(message).not.toMatch(/^type error: T\d/);
    expect(message).toContain(phrase);
  });

  it.each([
    ["$__nanograph_now: DateTime", "is reserved for runtime timestamp injection"],
    ["$v: Vector(0)", "unknown parameter type 'Vector(0)'"],
    ["$v: Vector(2147483648)", "unknown parameter type 'Vector(2147483648)'"],
    [`$v: Vector(${"9".repeat(400)})?`, "unknown parameter type"],
  ])("refuse the parameter %s", (param, phrase) => {
    const source = `query q(${param}) { delete Doc where slug = "a" }`;
    expect(messageOf(() => planQuery(source, "q", library))).toContain(phrase);
  });
});

describe("a mutation that mixes inserts or updates with deletes", () => {
  const mixed =
    "mutation 'q' on the same query mixes inserts/updates and deletes; split into separate mutations: (1) inserts and updates, then (2) deletes";

  it("is refused before anything else is looked at", () => {
    expect(planMessage("insert Plain { word: $s } delete Plain where word = $s")).toBe(mixed);
    expect(planMessage("delete Nothing where a = 1 update Nothing set { } where b = $c")).toBe(mixed);
    const source = "query q($__nanograph_now: Vector(0)) { delete A where a = 1 insert B { } }";
    expect(messageOf(() => planQuery(source, "q", library))).toBe(mixed);
  });

  it("is fine with either kind alone", () => {
    expect(plan("insert Plain { word: $s } update Plain set { word: $os } where word = $s").kind).toBe(
      "mutation",
    );
    expect(plan("delete Plain where word = $s delete Cites where from = $s").kind).toBe("mutation");
  });
});

describe("the cases of the people schema", () => {
  const check = (body: string, params = "", catalog: Catalog = people) =>
    messageOf(() => planQuery(`query q(${params}) { ${body} }`, "q", catalog));
  const fine = "(nothing was thrown)";

  it.each([
    ['match { $u: User { handle: "ana" } } return { $u.handle, $u.age }', fine],
    ["match { $u: User $u.age > 26 } return { $u.handle } order { $u.age desc } limit 2", fine],
    ["match { $u: User $u <follows>{1,2} $v } return { $v }", fine],
    ["match { $u: User $u follows{1,} $v } return { $v }", "T15"],
    ["match { $u: User $u follows{0,2} $v } return { $v }", "T15"],
    ["match { $u: User $u follows{3,2} $v } return { $v }", "T15"],
    ["match { $u: User $u memberOf{1,2} $t } return { $t }", fine],
    ['match { $t: Team { code: "red" } $t memberOf $u } return { $u }', fine],
    ['match { $t: Team { code: "red" } $t <memberOf> $u } return { $u }', "T22"],
    ['match { $u memberOf $t $t: Team { code: "red" } } return { $u }', fine],
    ["match { $u: User $u $w:follows $v } return { $w }", "T23"],
    ["match { $u: User $u $w:follows{1,2} $v } return { $v }", "T23"],
    ["match { $u: User not { $u memberOf $_ } } return { $u }", fine],
    ['match { $u: User not { $u memberOf $t $t.code != "" } } return { $u }', fine],
    ['match { $u: User not { $u memberOf $t not { $t.code = "red" } } } return { $u }', fine],
    ["match { $u: User not { $u follows{2,2} $v } } return { $u }", fine],
    ["match { $u: User not { $x: Team } } return { $u }", "T9"],
    ["match { $t: Team not { $t memberOf $u } } return { $t }", fine],
    ["match { $a: User $b: User $b.city starts_with $a.city } return { $a, $b }", fine],
    ['match { $u: User "we like rome" contains $u.city $u.city contains "a_b" } return { $u }', fine],
    ["match { $u: User { age: 2.7 } $u.age = 2.7 } return { $u }", fine],
    ['match { $u: User $u.joined < "2025-01-01" } return { $u }', "T7"],
    ['match { $u: User $u.joined < datetime("2025-01-01T00:00:00Z") } return { $u }', fine],
    ['match { $u: User $u.joined < datetime("nope") } return { $u }', fine],
    ["match { $u: User $u.joined < now() } return { now() as t }", fine],
    ["match { $u follows $v } return { $u.handle, count($v) as n } order { n desc } limit 1", fine],
    ["match { $u: User } return { count($u) as n, avg($u.age) as a }", fine],
    ["match { $u: User } return { sum($u.handle) }", "T8"],
    ['match { $u: User } return { count($u), "x" }', "T9"],
    ["insert User { age: 3 }", "T12"],
    ['insert User { handle: "a", nope: 1 }', "T11"],
    ['insert User { handle: "a", handle: "b" }', "T13"],
    ["insert User { handle: $h }", "T14"],
    ['insert Nobody { handle: "a" }', "T10"],
    ['update User set { handle: "b" } where handle = "a"', "@key"],
    ['update Follows set { since: date("2025-01-01") } where from = "a"', "T16"],
    ["update User set { age: 99 } where age > 1 update User set { age: 10 } where age > 50", fine],
    ['delete User where handle = "ana" delete User where age > 29', fine],
    ['insert User { handle: "a" } delete User where age > 29', "inserts/updates and deletes"],
  ])("%s", (body, outcome) => {
    expect(check(body)).toContain(outcome);
  });

  it("take a text beside a bare variable for an edge", () => {
    expect(check("match { $u: User $q contains $u } return { $u }", "$q: String")).toContain("T4");
  });
});
