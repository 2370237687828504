//go:build unix

package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"poskey/internal/testpg"
	"poskey/pkg/dukpt"
	"poskey/pkg/store"
	"poskey/pkg/store/storetest"
)

func TestZZ(t *testing.T) {
	server, _ := testpg.Start()
	defer server.Remove()
	ctx := context.Background()
	s, err := store.Create(ctx, parse(t, server.URL("")), storetest.Identity("bench"), nil, benchOptions())
	must(t, err)
	defer s.Close()
	_, err = s.Insert(ctx, store.Change{}, bdk())
	must(t, err)
	must(t, s.AddKeySet(ctx, store.Change{}, store.KeySet{ID: "A", BDK: bdk().Ref(), Scheme: dukpt.AES, KSI: "12345678", From: 0, To: 1 << 32}))
	bare, _ := sql.Open("pgx", server.URL("poskey"))
	defer bare.Close()
	bare.SetMaxOpenConns(1)
	bare.Exec("CREATE TABLE counter (id TEXT PRIMARY KEY, next BIGINT NOT NULL); INSERT INTO counter VALUES ('A', 0)")
	show := func(q string, args ...any) {
		for i := 0; i < 8; i++ {
			rows, err := bare.Query("EXPLAIN (ANALYZE, BUFFERS OFF) "+q, args...)
			must(t, err)
			for rows.Next() {
				var l string
				rows.Scan(&l)
				if i == 7 {
					fmt.Println(l)
				}
			}
			rows.Close()
		}
	}
	show("UPDATE counter SET next = next + 1 WHERE id = 'A' RETURNING next - 1")
	for i := 0; i < 300; i++ {
		s.Allocate(ctx, store.Change{}, store.AllocateRequest{KeySet: "A", RequestID: fmt.Sprint("r", i), Serial: fmt.Sprint("S", i)})
	}
	bare.Exec("CREATE SEQUENCE q")
	show(`WITH taken AS (
	UPDATE key_sets s SET next = s.next + 1, mark_seq = GREATEST(s.mark_seq, 5),
		mark_hash = CASE WHEN s.mark_seq < 5 THEN 'x' ELSE s.mark_hash END
	FROM keys k WHERE s.id = 'A' AND k.id = s.bdk AND k.state = 'active' AND s.frozen = 0 AND s.next < s.hi
	RETURNING s.next - 1 AS n, s.scheme, s.ksi)
	INSERT INTO allocations (request, key_set, n, ksn, serial, state, at, changed)
	SELECT 'x' || nextval('q'), 'A', n, CASE scheme WHEN 'tdes-dukpt' THEN ksi || LPAD(UPPER(TO_HEX(2 * n)), 5, '0') || '00000'
		ELSE ksi || LPAD(UPPER(TO_HEX(n)), 8, '0') || '00000000' END, 'x' || n, 'reserved', 1, 1 FROM taken
	RETURNING n, ksn`)
}
