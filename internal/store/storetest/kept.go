package storetest

import (
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// testKept finds answers by their owner alone, and follows what they continue.
func testKept(_ *testing.T, w *world) {
	s, b := w.Kept(), w.books()
	own := identity.Owner{TenantID: w.user.TenantID, UserID: w.user.ID}
	var chain []tasks.Kept
	var previous id.ID
	for n := range 3 {
		r := w.record(b, 0, 0)
		r.Kept = &tasks.Kept{
			ID: r.Task.ID, TenantID: own.TenantID, UserID: own.UserID, Kind: inference.Responses, PreviousID: previous, PlatformID: id.New(), CredentialID: id.New(),
			Background: n == 1, Model: "m", Input: []byte(`"hi\u0000"`), Answer: []byte(`{"n":"\u0000"}`), CreatedAt: epoch,
			ExpiresAt: epoch.Add(time.Duration(n+1) * time.Hour),
		}
		w.apply(r)
		w.apply(&journal.Record{Task: r.Task, Kept: &tasks.Kept{ID: r.Task.ID, Answer: []byte("other")}})
		chain = append(chain, *r.Kept)
		previous = r.Task.ID
	}
	found(w, "KeptByID", chain[1])(s.KeptByID(w.ctx, own, inference.Responses, chain[1].ID, epoch))
	found(w, "KeptChain", chain)(s.KeptChain(w.ctx, own, inference.Responses, chain[2].ID, epoch))
	found(w, "as far as it is there", chain[1:])(s.KeptChain(w.ctx, own, inference.Responses, chain[2].ID, epoch.Add(time.Hour)))
	for _, o := range []identity.Owner{{TenantID: own.TenantID, UserID: id.New()}, {TenantID: id.New(), UserID: own.UserID}, {}} {
		missing[tasks.Kept](w, "somebody else's")(s.KeptByID(w.ctx, o, inference.Responses, chain[1].ID, epoch))
		w.refused(s.KeptDelete(w.ctx, o, inference.Responses, chain[1].ID, epoch), fault.ErrNotFound, "")
		_, err := s.KeptChain(w.ctx, o, inference.Responses, chain[2].ID, epoch)
		w.refused(err, fault.ErrNotFound, "")
	}
	missing[tasks.Kept](w, "what has expired")(s.KeptByID(w.ctx, own, inference.Responses, chain[0].ID, chain[0].ExpiresAt))
	missing[tasks.Kept](w, "one of another kind")(s.KeptByID(w.ctx, own, inference.VideoGenerations, chain[1].ID, epoch))
	found(w, "KeptList", []tasks.Kept{chain[1], chain[0]})(s.KeptList(w.ctx, own, inference.Responses, chain[2].ID, false, 9, epoch))
	found(w, "the oldest", chain[:1])(s.KeptList(w.ctx, own, inference.Responses, id.ID{}, true, 1, epoch))
	found(w, "nobody's", []tasks.Kept{})(s.KeptList(w.ctx, identity.Owner{TenantID: own.TenantID, UserID: id.New()}, inference.Responses, id.ID{}, true, 1, epoch))
	w.ok(s.KeptDelete(w.ctx, own, inference.Responses, chain[1].ID, epoch))
	w.refused(s.KeptDelete(w.ctx, own, inference.Responses, chain[1].ID, epoch), fault.ErrNotFound, "")
	found(w, "behind a gap", chain[2:])(s.KeptChain(w.ctx, own, inference.Responses, chain[2].ID, epoch))
	found(w, "KeptForget", 1)(s.KeptForget(w.ctx, chain[1].ExpiresAt, 9))
	found(w, "what is left", chain[2:])(s.KeptChain(w.ctx, own, inference.Responses, chain[2].ID, epoch))
}
