package gateway_test

import (
	"encoding/json"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// foreign is where a platform of another tenant, and its model, would be.
type foreign struct{ platform, model string }

// foreignPlatform connects a platform for another tenant.
func (w *world) foreignPlatform(t *testing.T) foreign {
	t.Helper()
	now := w.Clock.Now()
	tenant := identity.Tenant{ID: id.At(now), Key: "elsewhere", Name: "Elsewhere", Status: identity.Active, CreatedAt: now, UpdatedAt: now}
	err := w.people.InTx(t.Context(), func(x tx.Tx) error { return w.people.TenantInsert(t.Context(), x, &tenant) })
	if err != nil {
		t.Fatal(err)
	}
	c, err := w.Routing.Connect(t.Context(), event.Actor{TenantID: tenant.ID, Username: "them"}, routing.NewPlatform{
		Provider: "openai", Name: "Theirs", Credentials: json.RawMessage(`{"apiKey":"sk-theirs"}`),
	}, []string{"chat-9"})
	if err != nil {
		t.Fatal(err)
	}
	return foreign{platforms + "/" + c.Platform.ID.String(), "/api/admin/platform-models/" + c.Models[0].ID.String()}
}

func marshalled(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
