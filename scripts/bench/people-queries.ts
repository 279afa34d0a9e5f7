// The reads of generated people that are measured; over HTTP they are stored queries, in process they are sources.

/** The largest of the skewed cities, and one of middling size. */
const LARGEST_CITY = "city-0";
const SOME_CITY = "city-3";

export const PEOPLE_QUERIES = {
  person: `query person($name: String) {
  match { $p: Person { name: $name } }
  return { $p.name as name, $p.age as age, $p.city as city }
}`,
  followed: `query followed($name: String) {
  match { $p: Person { name: $name }  $p follows $q }
  return { $q.name as name, $q.age as age }
}`,
  two_hops: `query two_hops($name: String) {
  match { $p: Person { name: $name }  $p follows{2,2} $q }
  return { count($q) as people }
}`,
  three_hops: `query three_hops($name: String) {
  match { $p: Person { name: $name }  $p follows{1,3} $q }
  return { count($q) as people }
}`,
  most_followed: `query most_followed() {
  match { $p follows $q }
  return { $q.name as name, count($p) as followers }
  order { followers desc }
  limit 3
}`,
  city_paths: `query city_paths() {
  match { $a: Person { city: "${LARGEST_CITY}" }  $a follows $b  $b follows $c  $c.age > 43 }
  return { count($c) as paths }
}`,
  all_paths: `query all_paths() {
  match { $a follows $b  $b follows $c }
  return { count($c) as paths }
}`,
  triangles: `query triangles() {
  match { $a follows $b  $b follows $c  $c follows $a }
  return { count($a) as corners }
}`,
  older: `query older() {
  match { $p: Person  $p.age > 60 }
  return { count($p) as people }
}`,
  city_ages: `query city_ages() {
  match { $p: Person }
  return { $p.city as city, avg($p.age) as age }
}`,
  following_nobody_old: `query following_nobody_old() {
  match { $p: Person { city: "${SOME_CITY}" }  not { $p follows $q  $q.age > 85 } }
  return { $p.name as name }
}`,
} as const;

export type PeopleQuery = keyof typeof PEOPLE_QUERIES;
