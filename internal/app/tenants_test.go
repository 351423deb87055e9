package app

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// object is a JSON object.
type object = map[string]any

// change sends a change of an administrator's and returns the id of what it made or changed.
func (h *house) change(method, path string, body object) string {
	h.t.Helper()
	status := map[string]int{http.MethodPost: 201, http.MethodPatch: 200}[method]
	var out struct {
		ID string `json:"id"`
	}
	h.call(method, "/api/admin"+path, h.admin, body, &out, status)
	return out.ID
}

// ask calls a model and returns the status and, of a refusal, its code.
func (h *house) ask(who guest, model string) (status int, code string) {
	h.t.Helper()
	resp, text := h.send("POST", "/v1/chat/completions", who.key, chat(model, false))
	var refusal struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	if resp.StatusCode != http.StatusOK {
		if err := json.Unmarshal(text, &refusal); err != nil {
			h.t.Fatalf("%d %s", resp.StatusCode, text)
		}
	}
	return resp.StatusCode, refusal.Error.Code
}

// factors returns the discounts of a person's last bill, by name.
func (h *house) factors(who guest) map[string]string {
	h.t.Helper()
	if err := h.journal.Flush(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	var tasks struct{ Items []struct{ ID string } }
	h.call("GET", "/api/v1/tasks", who.key, nil, &tasks, 200)
	var task struct {
		Billings []struct {
			Factors []struct{ Name, ValueText string }
		}
	}
	h.call("GET", "/api/v1/tasks/"+tasks.Items[0].ID, who.key, nil, &task, 200)
	out := map[string]string{}
	for _, line := range task.Billings {
		for _, f := range line.Factors {
			out[f.Name] = f.ValueText
		}
	}
	return out
}

// TestWhatGroupsAndTenantsSayIsInForce: discounts reach bills, limits and quotas calls, overdrafts wallets, and who is
// stopped is not served, from the answer to the change on.
func TestWhatGroupsAndTenantsSayIsInForce(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, h *house) {
		t.Helper()
		who := h.invite("who", "")
		tenant := h.change("POST", "/tenants", object{
			"tenantKey": "acme", "name": "Acme", "authPolicy": object{"invitationCode": "welcome to acme"},
			"billingProfile": object{"billingDiscountPolicy": object{"default": 0.5}},
		})
		group := h.change("POST", "/user-groups", object{
			"groupKey": "gold", "name": "Gold", "billingDiscountPolicy": object{"models": object{"sim-chat": 0.25}},
		})
		user := "/users/" + who.id.String()
		h.change("PATCH", user, object{"defaultUserGroupId": group})
		isServed(t, h, who)
		if got := h.factors(who); len(got) != 1 || got["group"] != "0.25" {
			t.Errorf("factors %v", got)
		}
		h.change("PATCH", "/user-groups/"+group, object{"rateLimitPolicy": object{"rpd": 2}})
		isServed(t, h, who)
		isServed(t, h, who)
		refusedWith(t, h, who, 429, "rate_limit")
		h.change("PATCH", "/user-groups/"+group, object{
			"rateLimitPolicy": nil, "quotaPolicy": object{"currency": "SIM", "total": "0"},
		})
		refusedWith(t, h, who, 402, "quota_exceeded")
		h.change("PATCH", "/user-groups/"+group, object{"quotaPolicy": object{}, "status": "disabled"})
		isServed(t, h, who)
		if got := h.factors(who); len(got) != 0 {
			t.Errorf("factors of a disabled group %v", got)
		}
		h.change("PATCH", user, object{"status": "disabled"})
		refusedWith(t, h, who, 403, "user_disabled")
		h.change("PATCH", user, object{"status": "active"})
		isServed(t, h, who)
		testTenantInForce(t, h, tenant)
	})
}

func testTenantInForce(t *testing.T, h *house, tenant string) {
	t.Helper()
	member := h.join("member", "welcome to acme")
	isServed(t, h, member)
	if got := h.factors(member); len(got) != 1 || got["tenant"] != "0.5" {
		t.Errorf("factors %v", got)
	}
	h.change("PATCH", "/tenants/"+tenant, object{"billingProfile": object{"overdraft": object{"USD": "3"}}})
	accounts, err := h.wallets.Accounts(t.Context(), member.id)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range accounts {
		if a.Currency == "USD" && a.Overdraft != 3_000_000_000 {
			t.Errorf("overdraft %d", a.Overdraft)
		}
	}
	h.change("PATCH", "/tenants/"+tenant, object{"rateLimitPolicy": object{"rpd": 1}})
	isServed(t, h, member)
	refusedWith(t, h, member, 429, "rate_limit")
	h.change("PATCH", "/tenants/"+tenant, object{"rateLimitPolicy": object{}, "status": "disabled"})
	refusedWith(t, h, member, 403, "tenant_disabled")
}

// join registers a person with an invitation.
func (h *house) join(name, invitation string) guest {
	h.t.Helper()
	return h.inviteWith(name, "", object{"invitationCode": invitation})
}

func isServed(t *testing.T, h *house, who guest) {
	t.Helper()
	if status, code := h.ask(who, "sim-chat"); status != http.StatusOK {
		t.Fatalf("answer %d %s", status, code)
	}
}

func refusedWith(t *testing.T, h *house, who guest, wantStatus int, wantCode string) {
	t.Helper()
	if status, code := h.ask(who, "sim-chat"); status != wantStatus || code != wantCode {
		t.Fatalf("answer %d %s, want %d %s", status, code, wantStatus, wantCode)
	}
}

// TestDeletedUsersLeaveTheLedgerWhole: a user goes when the wallet is settled; what the user has cost stays in the books.
func TestDeletedUsersLeaveTheLedgerWhole(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, h *house) {
		t.Helper()
		who := h.invite("who", "5")
		isServed(t, h, who)
		path := "/api/admin/users/" + who.id.String()
		resp, text := h.send("DELETE", path, h.admin, nil)
		if resp.StatusCode != http.StatusConflict {
			t.Fatalf("%d %s", resp.StatusCode, text)
		}
		h.call("PATCH", path+"/wallet", h.admin, object{"balance": 0, "currency": "USD", "reason": "leaves"}, nil, 200)
		w, err := h.book.Wallet(t.Context(), who.id, "USD")
		if err != nil {
			t.Fatal(err)
		}
		h.change("PATCH", "/tenants/"+h.tenantOf(who), object{"billingProfile": object{"overdraft": object{"USD": "1"}}})
		hold, err := w.Hold(5)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.wallets.Settled(t.Context(), who.id); err == nil || err.Error() != wallet.ErrInUse.With("currency", money.USD).Error() {
			t.Errorf("with a call under way: %v", err)
		}
		hold.Release()
		h.call("DELETE", path, h.admin, nil, nil, 204)
		refusedWith(t, h, who, 401, "invalid_api_key")
		verified(t, h)
	})
}

func (h *house) tenantOf(who guest) string {
	h.t.Helper()
	u, err := h.store.Identity().UserByID(h.t.Context(), who.id)
	if err != nil {
		h.t.Fatal(err)
	}
	return u.TenantID.String()
}

// verified proves the books.
func verified(t *testing.T, h *house) {
	t.Helper()
	if err := h.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	totals, err := h.store.Wallet().Totals(t.Context())
	if err != nil || len(totals) == 0 {
		t.Fatalf("totals %v, %v", totals, err)
	}
	for _, sum := range totals {
		if sum.Posted != 0 || sum.Differing != 0 {
			t.Errorf("books of %s: %+v", sum.Currency, sum)
		}
	}
}

// TestOtherNodesHearOfIdentity: what one node is told about people, groups and tenants holds on the other as soon as it has
// heard the news, which it asks for every second.
func TestOtherNodesHearOfIdentity(t *testing.T) {
	t.Parallel()
	nodes := twoNodes(t, func(*config.Config) {})
	here, there := nodes[0], nodes[1]
	who := here.invite("who", "")
	hear := func() {
		t.Helper()
		if err := there.hearIdentityNews(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	hear()
	isServed(t, there, who)
	group := here.change("POST", "/user-groups", object{
		"groupKey": "slow", "name": "Slow", "rateLimitPolicy": object{"rpd": 2}, "billingDiscountPolicy": object{"default": 0.5},
	})
	user := "/users/" + who.id.String()
	here.change("PATCH", user, object{"defaultUserGroupId": group})
	hear()
	isServed(t, there, who)
	refusedWith(t, there, who, 429, "rate_limit")
	here.change("PATCH", "/user-groups/"+group, object{"rateLimitPolicy": object{"rpd": 20}})
	hear()
	isServed(t, there, who)
	if got := there.factors(who); got["group"] != "0.5" {
		t.Errorf("factors %v", got)
	}
	here.change("PATCH", user, object{"status": "disabled"})
	hear()
	refusedWith(t, there, who, 403, "user_disabled")
}
