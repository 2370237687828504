package store

// schemaSQL is the schema of both databases, version 1; it does not change any more, and what is new makes another
// version. Words in braces differ between the databases ([dialect.migrations]).
// Times are microseconds since 1970 in UTC, 0 when it did not happen.
const schemaSQL = `
CREATE TABLE meta (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  id {text} NOT NULL,
  environment {text} NOT NULL CHECK (environment IN ('test', 'production')),
  created {int} NOT NULL,
  master_kind {text} NOT NULL CHECK (master_kind IN ('officers', 'token')),
  master_method {text} NOT NULL,
  master_digits {text} NOT NULL,
  generation {int} NOT NULL,
  sealed {blob} NOT NULL,
  token {text} NOT NULL,
  mark_seq {int} NOT NULL,
  mark_hash {text} NOT NULL
) {strict};

CREATE TABLE officers (
  fingerprint {text} PRIMARY KEY,
  id {text} NOT NULL,
  card {blob} NOT NULL,
  added {int} NOT NULL,
  revoked {int} NOT NULL
) {strict};
CREATE UNIQUE INDEX officers_in_office ON officers (id) WHERE revoked = 0;

CREATE TABLE keys (
  id {int} PRIMARY KEY,
  label {text} NOT NULL,
  version {int} NOT NULL CHECK (version >= 1),
  usage {text} NOT NULL,
  algorithm {text} NOT NULL,
  mode {text} NOT NULL,
  exportability {text} NOT NULL,
  len {int} NOT NULL,
  block {text} NOT NULL,
  check_method {text} NOT NULL,
  check_digits {text} NOT NULL,
  parent {int} REFERENCES keys (id) DEFERRABLE INITIALLY DEFERRED,
  parent_block {text} NOT NULL,
  custodians {text} NOT NULL,
  origin {text} NOT NULL,
  purpose {text} NOT NULL,
  state {text} NOT NULL CHECK (state IN ('pre-activation', 'active', 'suspended', 'deactivated', 'compromised',
    'destroyed', 'destroyed-compromised')),
  created {int} NOT NULL,
  activated {int} NOT NULL,
  not_after {int} NOT NULL,
  suspended {int} NOT NULL,
  deactivated {int} NOT NULL,
  compromised {int} NOT NULL,
  destroyed {int} NOT NULL,
  successor {int} REFERENCES keys (id) DEFERRABLE INITIALLY DEFERRED,
  expires {int} GENERATED ALWAYS AS
    (CASE WHEN state IN ('pre-activation', 'active', 'suspended') THEN not_after ELSE 0 END) STORED,
  CHECK (CASE WHEN state IN ('destroyed', 'destroyed-compromised') THEN block = '' AND parent_block = ''
    ELSE block <> '' END)
) {strict};
CREATE UNIQUE INDEX keys_by_label ON keys (label, version);
CREATE INDEX keys_by_usage ON keys (usage, state, label, version, algorithm);
CREATE INDEX keys_by_state ON keys (state, label, version, algorithm);
CREATE INDEX keys_by_parent ON keys (parent, label, version);
CREATE INDEX keys_by_check ON keys (check_digits);
CREATE INDEX keys_by_end ON keys (expires, id) WHERE expires > 0;

CREATE TABLE key_events (
  id {id},
  key_id {int} NOT NULL REFERENCES keys (id),
  at {int} NOT NULL,
  from_state {text} NOT NULL,
  to_state {text} NOT NULL,
  reason {text} NOT NULL,
  mark_seq {int} NOT NULL
) {strict};
CREATE INDEX key_events_by_key ON key_events (key_id, id);

CREATE TABLE devices (
  serial {text} PRIMARY KEY,
  model {text} NOT NULL,
  poi_version {text} NOT NULL,
  state {text} NOT NULL CHECK (state IN ('expected', 'reserved', 'sent', 'confirmed', 'failed', 'quarantined',
    'rejected')),
  added {int} NOT NULL,
  changed {int} NOT NULL
) {strict};
CREATE INDEX devices_by_state ON devices (state, serial);

CREATE TABLE device_keys (
  serial {text} NOT NULL REFERENCES devices (serial),
  slot {text} NOT NULL,
  key_id {int} REFERENCES keys (id),
  check_method {text} NOT NULL,
  check_digits {text} NOT NULL,
  ksn {text} NOT NULL,
  loaded {int} NOT NULL,
  PRIMARY KEY (serial, slot)
) {strict};
CREATE INDEX device_keys_by_key ON device_keys (key_id);
CREATE INDEX device_keys_by_check ON device_keys (check_digits);

CREATE TABLE key_sets (
  id {text} PRIMARY KEY,
  bdk {int} NOT NULL REFERENCES keys (id),
  scheme {text} NOT NULL,
  ksi {text} NOT NULL,
  lo {int} NOT NULL,
  hi {int} NOT NULL,
  next {int} NOT NULL,
  frozen {int} NOT NULL,
  mark_seq {int} NOT NULL,
  mark_hash {text} NOT NULL,
  CHECK (lo <= next AND next <= hi)
) {strict};
CREATE INDEX key_sets_by_bdk ON key_sets (bdk);

CREATE TABLE leases (
  id {text} PRIMARY KEY,
  key_set {text} NOT NULL REFERENCES key_sets (id),
  station {text} NOT NULL,
  lo {int} NOT NULL,
  hi {int} NOT NULL,
  until {int} NOT NULL,
  at {int} NOT NULL,
  returned {int} NOT NULL,
  unused_from {int} NOT NULL,
  CHECK (lo < hi),
  UNIQUE (key_set, lo)
) {strict};

-- Key set and lease are references that the store keeps itself (verify looks): PostgreSQL asks a question of its own
-- for each, in the part of a single allocation that all clients wait for.
CREATE TABLE allocations (
  request {text} PRIMARY KEY,
  key_set {text} NOT NULL,
  n {int} NOT NULL,
  ksn {text} NOT NULL UNIQUE,
  serial {text} NOT NULL,
  state {text} NOT NULL CHECK (state IN ('reserved', 'confirmed', 'quarantined', 'burnt')),
  lease {text},
  at {int} NOT NULL,
  changed {int} NOT NULL
) {strict};
CREATE UNIQUE INDEX allocations_live ON allocations (key_set, serial) WHERE state IN ('reserved', 'confirmed');
`

// schemaSQL2 makes version 2 of version 1: the journal of loads, and numbers out of a lease.
const schemaSQL2 = `
-- bdk_state is the state of the key once more: a single allocation that waited for this row sees here what it has come
-- to be, and in the row of the key what it was before.
ALTER TABLE key_sets ADD COLUMN bdk_state {text} NOT NULL DEFAULT '';
UPDATE key_sets SET bdk_state = (SELECT k.state FROM keys k WHERE k.id = bdk);

-- next is the number that the store itself gives next out of a lease. What was leased before is handed out by its
-- station alone.
ALTER TABLE leases ADD COLUMN next {int} NOT NULL DEFAULT 0;
UPDATE leases SET next = hi;

-- The number of a load is the allocation with the same request. One load of a slot is open at a time.
CREATE TABLE loads (
  id {text} PRIMARY KEY,
  run {text} NOT NULL,
  serial {text} NOT NULL REFERENCES devices (serial),
  slot {text} NOT NULL,
  key_id {int} REFERENCES keys (id),
  key_set {text},
  station {text} NOT NULL,
  clear {int} NOT NULL,
  state {text} NOT NULL CHECK (state IN ('reserved', 'sent', 'confirmed', 'failed', 'unknown')),
  check_method {text} NOT NULL,
  check_digits {text} NOT NULL,
  proof {text} NOT NULL,
  reason {text} NOT NULL,
  at {int} NOT NULL,
  changed {int} NOT NULL
) {strict};
CREATE UNIQUE INDEX loads_live ON loads (serial, slot) WHERE state IN ('reserved', 'sent', 'unknown');
CREATE INDEX loads_by_serial ON loads (serial);
CREATE INDEX loads_by_run ON loads (run, serial, state);
`

// schemaSQL4 makes version 4 of version 3: with a refused load stands what the device answered. The index goes because
// nobody asked it: bags are compared by [BagName].
const schemaSQL4 = `
ALTER TABLE loads ADD COLUMN dialect {text} NOT NULL DEFAULT '';
ALTER TABLE loads ADD COLUMN answer {text} NOT NULL DEFAULT '';
DROP INDEX holdings_by_bag;
`
