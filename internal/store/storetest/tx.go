package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

var errStop = errors.New("stop")

func testMigrate(_ *testing.T, w *world) {
	w.ok(w.Ping(w.ctx))
	w.ok(w.Migrate(w.ctx))
	found(w, "what was there before", w.tenant)(w.Identity().TenantByID(w.ctx, w.tenant.ID))
}

func testTransactions(t *testing.T, w *world) {
	t.Helper()
	s := w.Identity()
	inserted := func(inner tx.Tx) id.ID {
		v := identity.Tenant{ID: id.New(), Key: id.New().String(), Status: identity.Active}
		w.ok(s.TenantInsert(w.ctx, inner, &v))
		return v.ID
	}
	var hooks []string
	var tenant id.ID
	w.must(func(inner tx.Tx) error {
		tenant = inserted(inner)
		for _, name := range []string{"first", "second"} {
			inner.AfterCommit(func() {
				if _, err := s.TenantByID(w.ctx, tenant); err == nil {
					hooks = append(hooks, name)
				}
			})
		}
		missing[identity.Tenant](w, "before the commit")(s.TenantByID(w.ctx, tenant))
		return nil
	})
	same(w, "hooks that saw the commit", hooks, []string{"first", "second"})

	failing := func(inner tx.Tx) error {
		tenant = inserted(inner)
		inner.AfterCommit(func() { t.Error("a hook ran after a rollback") })
		return errStop
	}
	if err := w.in(failing); !errors.Is(err, errStop) {
		t.Errorf("error = %v, want what the function returned", err)
	}
	missing[identity.Tenant](w, "after a rollback")(s.TenantByID(w.ctx, tenant))
	panicking(t, w, func(inner tx.Tx) { tenant = inserted(inner) })
	missing[identity.Tenant](w, "after a panic")(s.TenantByID(w.ctx, tenant))
	swallowed(t, w, inserted)
	canceled(t, w)
}

// swallowed hides a failure from InTx. What was done before it may then be durable or not, but the hooks, the error and
// the database must agree.
func swallowed(t *testing.T, w *world, insert func(tx.Tx) id.ID) {
	t.Helper()
	var tenant id.ID
	hooked := false
	err := w.in(func(inner tx.Tx) error {
		tenant = insert(inner)
		inner.AfterCommit(func() { hooked = true })
		twin := identity.Tenant{ID: id.New(), Key: w.tenant.Key}
		w.refused(w.Identity().TenantInsert(w.ctx, inner, &twin), fault.ErrConflict, "key")
		return nil
	})
	_, findErr := w.Identity().TenantByID(w.ctx, tenant)
	if committed := err == nil; hooked != committed || (findErr == nil) != committed {
		t.Errorf("InTx = %v, but the hook ran = %v and the row's lookup = %v", err, hooked, findErr)
	}
}

func panicking(t *testing.T, w *world, f func(tx.Tx)) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("the panic was swallowed")
		}
	}()
	_ = w.in(func(inner tx.Tx) error {
		f(inner)
		panic("stop")
	})
}

// canceled ends the caller's context within the transaction.
func canceled(t *testing.T, w *world) {
	t.Helper()
	ctx, cancel := context.WithCancel(w.ctx)
	v := identity.Tenant{ID: id.New(), Key: "canceled", Status: identity.Active}
	err := w.Identity().InTx(ctx, func(inner tx.Tx) error {
		w.ok(w.Identity().TenantInsert(ctx, inner, &v))
		inner.AfterCommit(func() { t.Error("a hook ran after a cancellation") })
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
	missing[identity.Tenant](w, "after a cancellation")(w.Identity().TenantByID(w.ctx, v.ID))
}
