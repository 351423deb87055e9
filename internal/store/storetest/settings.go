package storetest

import (
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

func testSettings(_ *testing.T, w *world) {
	s := w.Settings()
	missing[[]byte](w, "no setting")(s.Get(w.ctx, nil, "jwt"))
	for _, value := range [][]byte{{0, 0xff, '\''}, []byte("other"), {}} {
		w.must(func(t tx.Tx) error {
			if err := s.Put(w.ctx, t, "jwt", value); err != nil {
				return err
			}
			found(w, "Get in the transaction", value)(s.Get(w.ctx, t, "jwt"))
			return nil
		})
		found(w, "Get", value)(s.Get(w.ctx, nil, "jwt"))
	}
	w.must(func(t tx.Tx) error { return s.Put(w.ctx, t, "nil", nil) })
	found(w, "no value at all", []byte{})(s.Get(w.ctx, nil, "nil"))
	w.must(func(t tx.Tx) error { return s.Delete(w.ctx, t, "jwt") })
	missing[[]byte](w, "a deleted setting")(s.Get(w.ctx, nil, "jwt"))
	w.refused(w.in(func(t tx.Tx) error { return s.Delete(w.ctx, t, "jwt") }), fault.ErrNotFound, "")
}

// testHostileLookups sends texts that break naive statements: each finds nothing and fails nowhere.
func testHostileLookups(_ *testing.T, w *world) {
	for _, text := range []string{
		"\x00", "a\x00b", "\xff\xfe", "' OR '1'='1", `\`, `\'`, "%", "_", "!", "?", "?0", "$1", ":x", "--", ";", "😀", "\u202e",
	} {
		missing[identity.User](w, text)(w.Identity().UserByAccount(w.ctx, text))
		missing[identity.APIKey](w, text)(w.Identity().APIKeyByPublic(w.ctx, text))
		missing[identity.Tenant](w, text)(w.Identity().TenantByKey(w.ctx, text))
		missing[catalog.BaseModel](w, text)(w.Catalog().BaseModelByKey(w.ctx, text))
		missing[[]byte](w, text)(w.Settings().Get(w.ctx, nil, text))
		users, err := w.Identity().UserList(w.ctx, identity.UserQuery{Text: text})
		w.ok(err)
		same(w, "users with "+text, users.Total, 0)
		calls, err := w.Tasks().TaskList(w.ctx, tasks.Query{Text: text, Model: text, Status: tasks.Status(text)})
		w.ok(err)
		same(w, "tasks with "+text, calls.Total, 0)
		_, err = w.Wallet().EntryList(w.ctx, wallet.EntryQuery{User: w.user.ID, Text: text})
		w.ok(err)
	}
}
