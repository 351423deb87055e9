package storetest

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/audit"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

func testAudit(_ *testing.T, w *world) {
	s := w.Audit()
	var e audit.Entry
	fill(&e)
	w.must(func(t tx.Tx) error { return s.EntryInsert(w.ctx, t, &e) })
	found(w, "EntryList", []audit.Entry{e})(s.EntryList(w.ctx, audit.Query{}))
	w.must(func(t tx.Tx) error {
		for i := range 120 {
			v := audit.Entry{
				ID: id.New(), At: epoch, Category: "c" + fmt.Sprint(i%2), Action: "a" + fmt.Sprint(i%3),
				TargetType: "t" + fmt.Sprint(i%4), TargetID: fmt.Sprint(i % 5), After: json.RawMessage("null"),
			}
			if err := s.EntryInsert(w.ctx, t, &v); err != nil {
				return err
			}
		}
		return nil
	})
	for _, c := range []struct {
		query audit.Query
		want  int
	}{
		{audit.Query{}, 100},
		{audit.Query{Limit: 5000}, 121},
		{audit.Query{Limit: 7}, 7},
		{audit.Query{Limit: 1000, Category: "c1"}, 60},
		{audit.Query{Limit: 1000, Action: "a0"}, 40},
		{audit.Query{Limit: 1000, TargetType: "t0"}, 30},
		{audit.Query{Limit: 1000, TargetType: "t0", TargetID: "0"}, 6},
		{audit.Query{Limit: 1000, Category: "c0", Action: "a0", TargetType: "t0", TargetID: "0"}, 2},
		{audit.Query{Category: "%"}, 0},
	} {
		entries, err := s.EntryList(w.ctx, c.query)
		w.ok(err)
		same(w, fmt.Sprintf("entries of %+v", c.query), len(entries), c.want)
		for i := 1; i < len(entries); i++ {
			if entries[i].Number >= entries[i-1].Number {
				w.t.Fatalf("%+v: the newest do not come first", c.query)
			}
		}
	}
	twin := audit.Entry{ID: e.ID}
	w.refused(w.in(func(t tx.Tx) error { return s.EntryInsert(w.ctx, t, &twin) }), fault.ErrConflict, "id")
}
