//! End-to-end tests over real processes: nginx, Postgres, Redis, the four services and the
//! all-in-one. Everything is in `tests/it`; this library is empty.
