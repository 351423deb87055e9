package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/access"
	"github.com/gantry-ai/gantry/internal/domain/catalog/catalogtest"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/identity/identitytest"
	"github.com/gantry-ai/gantry/internal/domain/routing/routingtest"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
)

const (
	adminRules = "/api/admin/access-rules"
	ownRules   = "/api/v1/api-keys/access-rules"
)

// offer connects a platform with one model and returns the ids that rules can name.
func (w *world) offer(t *testing.T) map[string]string {
	t.Helper()
	var p, m struct{ ID, BaseModelID string }
	w.Check(t, w.contract, surfacetest.Request{
		Name: "platform", As: "admin", Method: post, Path: "/api/admin/platforms", Body: newPlatform, Operation: "createAdminPlatform", Status: 201,
	}).JSON(t, &p)
	w.Check(t, w.contract, surfacetest.Request{
		Name: "model", As: "admin", Method: post, Path: "/api/admin/platforms/" + p.ID + "/models", Body: `{"canonicalModelKey":"openai/chat-9"}`,
		Operation: "createAdminPlatformModelForPlatform", Status: 201,
	}).JSON(t, &m)
	return map[string]string{
		"platform": p.ID, "model": m.ID, "base": m.BaseModelID, "user": w.User("user").ID.String(), "other": w.User("other").ID.String(),
		"key": w.Key("key").String(), "chat-key": w.Key("chat-key").String(), "admin-key": w.Key("admin-key").String(),
		"tenant": w.User("user").TenantID.String(), "nobody": id.New().String(),
	}
}

// rules sends requests in whose paths and bodies {name} stands for an id.
func (w *world) rules(t *testing.T, ids map[string]string, requests []surfacetest.Request) {
	t.Helper()
	for _, r := range requests {
		r.Path, r.Body = surfacetest.Fill(r.Path, ids), surfacetest.Fill(r.Body, ids)
		w.Check(t, w.contract, r)
	}
}

func TestAccessRules(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, w *world) {
		t.Helper()
		ids := w.offer(t)
		create := func(name, body string, status int, code, at string) surfacetest.Request {
			return surfacetest.Request{
				Name: name, As: "admin", Method: post, Path: adminRules, Body: body, Operation: "createAdminAccessRule", Status: status, Code: code, At: at,
			}
		}
		const denied = `"subjectType":"user","subjectId":"{user}","resourceType":"platform_model","resourceId":"{model}","effect":"deny"`
		a := w.Check(t, w.contract, surfacetest.Request{
			Name: "create access rule", As: "admin", Method: post, Path: adminRules, Operation: "createAdminAccessRule", Status: 201, Golden: true,
			Body: surfacetest.Fill(`{`+denied+`,"priority":5,"minPermissionLevel":10,"metadata":{"note":"trial"},
				"conditions":{"timeWindow":{"days":["mon"],"from":"09:00","to":"18:00","timezone":"+08:00"},"ip":["10.0.0.0/8"],"requestKind":["chat.completions"],"metadata":{"team":"lab"}}}`, ids),
		})
		var made struct{ ID string }
		a.JSON(t, &made)
		ids["rule"] = made.ID
		w.rules(t, ids, []surfacetest.Request{
			create("create it again", `{`+denied+`}`, 409, "access_rule_exists", "resourceId"),
			create("no subject type", `{}`, 400, "invalid_parameter", "subjectType"),
			create("unknown subject type", `{"subjectType":"team","subjectId":"{user}"}`, 400, "invalid_parameter", "subjectType"),
			create("no subject", `{"subjectType":"user"}`, 400, "invalid_parameter", "subjectId"),
			create("not an id", `{"subjectType":"user","subjectId":"7"}`, 400, "invalid_parameter", "subjectId"),
			create("unknown subject", `{"subjectType":"user","subjectId":"{nobody}","resourceType":"platform","resourceId":"{platform}"}`, 400, "invalid_parameter", "subjectId"),
			create("a subject of another type", `{"subjectType":"user_group","subjectId":"{user}","resourceType":"platform","resourceId":"{platform}"}`, 400, "invalid_parameter", "subjectId"),
			create("unknown resource type", `{"subjectType":"user","subjectId":"{user}","resourceType":"model","resourceId":"{model}"}`, 400, "invalid_parameter", "resourceType"),
			create("unknown resource", `{"subjectType":"user","subjectId":"{user}","resourceType":"platform","resourceId":"{model}"}`, 400, "invalid_parameter", "resourceId"),
			create("unknown effect", `{"subjectType":"user","subjectId":"{user}","resourceType":"platform","resourceId":"{platform}","effect":"maybe"}`, 400, "invalid_parameter", "effect"),
			create("unknown status", `{"subjectType":"user","subjectId":"{user}","resourceType":"platform","resourceId":"{platform}","status":"deleted"}`, 400, "invalid_parameter", "status"),
			create("priority", `{"subjectType":"user","subjectId":"{user}","resourceType":"platform","resourceId":"{platform}","priority":1000001}`, 400, "invalid_parameter", "priority"),
			create("level", `{"subjectType":"user","subjectId":"{user}","resourceType":"platform","resourceId":"{platform}","minPermissionLevel":-1}`, 400, "invalid_parameter", "minPermissionLevel"),
			create("unknown condition", `{"subjectType":"user","subjectId":"{user}","resourceType":"platform","resourceId":"{platform}","conditions":{"ips":[]}}`, 400, "invalid_parameter", "conditions.ips"),
			create("unknown key of a condition", `{"subjectType":"user","subjectId":"{user}","resourceType":"platform","resourceId":"{platform}","conditions":{"timeWindow":{"form":"09:00"}}}`, 400, "invalid_parameter", "conditions.timeWindow.form"),
			create("metadata", `{"subjectType":"user","subjectId":"{user}","resourceType":"platform","resourceId":"{platform}","metadata":[]}`, 400, "invalid_parameter", "metadata"),
			create("a float", `{`+denied+`,"priority":0.5}`, 400, "invalid_json", "priority"),
			{Name: "create as nobody", Method: post, Path: adminRules, Body: `{}`, Operation: "createAdminAccessRule", Status: 401, Code: "unauthorized"},
			{Name: "create as a user", As: "user", Method: post, Path: adminRules, Body: `{}`, Operation: "createAdminAccessRule", Status: 403, Code: "forbidden"},
			{Name: "create as a key", As: "admin-key", Method: post, Path: adminRules, Body: `{}`, Operation: "createAdminAccessRule", Status: 403, Code: "forbidden"},
			create("an allow of a group's tenant", `{"subjectType":"tenant","subjectId":"{tenant}","resourceType":"base_model","resourceId":"{base}"}`, 201, "", ""),
			{Name: "access rules", As: "admin", Method: get, Path: adminRules, Operation: "listAdminAccessRules", Status: 200, Golden: true},
			{Name: "list as nobody", Method: get, Path: adminRules, Operation: "listAdminAccessRules", Status: 401, Code: "unauthorized"},
			{Name: "list as a user", As: "operator", Method: get, Path: adminRules, Operation: "listAdminAccessRules", Status: 403, Code: "forbidden"},
		})
		update := func(name, rule, body string, status int, code, at string) surfacetest.Request {
			return surfacetest.Request{
				Name: name, As: "admin", Method: patch, Path: adminRules + "/" + rule, Body: body, Operation: "updateAdminAccessRule", Status: status, Code: code, At: at,
				Golden: status == 200,
			}
		}
		remove := func(name, as, rule string, status int, code string) surfacetest.Request {
			return surfacetest.Request{
				Name: name, As: as, Method: del, Path: adminRules + "/" + rule, Operation: "deleteAdminAccessRule", Status: status, Code: code,
			}
		}
		w.rules(t, ids, []surfacetest.Request{
			update("what is absent stays", "{rule}", `{"priority":0,"conditions":{}}`, 200, "", ""),
			update("unknown rule", "{nobody}", `{}`, 404, "not_found", ""),
			update("no rule id", "1'%20OR%20'1'='1", `{}`, 404, "not_found", ""),
			update("bad condition", "{rule}", `{"conditions":{"ip":["10.0.0"]}}`, 400, "invalid_parameter", "conditions.ip[0]"),
			update("unknown new subject", "{rule}", `{"subjectId":"{nobody}"}`, 400, "invalid_parameter", "subjectId"),
			update("unknown new resource", "{rule}", `{"resourceId":"{nobody}"}`, 400, "invalid_parameter", "resourceId"),
			create("another", `{"subjectType":"user","subjectId":"{other}","resourceType":"platform_model","resourceId":"{model}","effect":"deny","status":"disabled"}`, 201, "", ""),
			update("like another", "{rule}", `{"subjectId":"{other}"}`, 409, "access_rule_exists", "resourceId"),
			{Name: "update as nobody", Method: patch, Path: adminRules + "/{rule}", Body: `{}`, Operation: "updateAdminAccessRule", Status: 401, Code: "unauthorized"},
			{Name: "update as a user", As: "finance", Method: patch, Path: adminRules + "/{rule}", Body: `{}`, Operation: "updateAdminAccessRule", Status: 403, Code: "forbidden"},
			{Name: "denied models", As: "user", Method: get, Path: "/api/v1/models", Operation: "listCallableModels", Status: 200, Golden: true},
			{Name: "a denied estimate", As: "key", Method: post, Path: "/api/v1/pricing/estimate", Body: `{"model":"chat-9","messages":[{"role":"user","content":"hi"}]}`, Operation: "estimatePricing", Status: 404, Code: "model_not_found", At: "model"},
			{Name: "an estimate for others", As: "other", Method: post, Path: "/api/v1/pricing/estimate", Body: `{"model":"chat-9","messages":[{"role":"user","content":"hi"}]}`, Operation: "estimatePricing", Status: 200},
			remove("delete as nobody", "", "{rule}", 401, "unauthorized"),
			remove("delete as a user", "support", "{rule}", 403, "forbidden"),
			remove("delete a rule", "admin", "{rule}", 204, ""),
			remove("delete it again", "admin", "{rule}", 404, "not_found"),
			remove("delete what is no id", "admin", "x", 404, "not_found"),
			{Name: "an estimate again", As: "key", Method: post, Path: "/api/v1/pricing/estimate", Body: `{"model":"chat-9","messages":[{"role":"user","content":"hi"}]}`, Operation: "estimatePricing", Status: 200},
			{Name: "access rules in the audit log", As: "admin", Method: get, Path: "/api/admin/audit-logs?category=access_rule", Operation: "listAdminAuditLogs", Status: 200, Golden: true},
		})
	})
}

func TestAccessRuleBatch(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, w *world) {
		t.Helper()
		ids := w.offer(t)
		batch := func(name, body string, status int, code, at string) surfacetest.Request {
			return surfacetest.Request{
				Name: name, As: "admin", Method: post, Path: adminRules + "/batch", Body: body, Operation: "batchAdminAccessRules", Status: status, Code: code, At: at,
				Golden: status == 200,
			}
		}
		const subject = `"subjectType":"user","subjectId":"{user}"`
		many := strings.Repeat(`{"resourceType":"platform","resourceId":"{platform}"},`, 501)
		w.rules(t, ids, []surfacetest.Request{
			batch("batch of rules", `{`+subject+`,"effect":"deny","upsertResources":[{"resourceType":"platform","resourceId":"{platform}","priority":3},{"resourceType":"platform_model","resourceId":"{model}"}]}`, 200, "", ""),
			batch("batch with the other effect", `{`+subject+`,"upsertResources":[{"resourceType":"platform_model","resourceId":"{model}"}]}`, 200, "", ""),
			batch("batch that changes and deletes", `{`+subject+`,"effect":"deny","upsertResources":[{"resourceType":"platform","resourceId":"{platform}","status":"disabled"}],"deleteResources":[{"resourceType":"platform_model","resourceId":"{model}"},{"resourceType":"base_model","resourceId":"{nobody}"}]}`, 200, "", ""),
			batch("nothing of this is kept", `{`+subject+`,"effect":"deny","deleteResources":[{"resourceType":"platform","resourceId":"{platform}"}],"upsertResources":[{"resourceType":"base_model","resourceId":"{base}"},{"resourceType":"platform_model","resourceId":"{nobody}"}]}`, 400, "invalid_parameter", "upsertResources[1].resourceId"),
			batch("batch without resources", `{`+subject+`}`, 200, "", ""),
			batch("batch that deletes both effects", `{`+subject+`,"deleteResources":[{"resourceType":"platform","resourceId":"{platform}"},{"resourceType":"platform_model","resourceId":"{model}"}]}`, 200, "", ""),
			batch("no batch subject", `{"subjectType":"user"}`, 400, "invalid_parameter", "subjectId"),
			batch("unknown batch subject", `{"subjectType":"user","subjectId":"{nobody}"}`, 400, "invalid_parameter", "subjectId"),
			batch("unknown batch effect", `{`+subject+`,"effect":"x"}`, 400, "invalid_parameter", "effect"),
			batch("unknown batch resource type", `{`+subject+`,"upsertResources":[{"resourceType":"x"}]}`, 400, "invalid_parameter", "upsertResources[0].resourceType"),
			batch("unknown batch condition", `{`+subject+`,"upsertResources":[{"resourceType":"platform","resourceId":"{platform}","conditions":{"a":1}}]}`, 400, "invalid_parameter", "upsertResources[0].conditions.a"),
			batch("twice in a batch", `{`+subject+`,"deleteResources":[{"resourceType":"platform","resourceId":"{platform}"}],"upsertResources":[{"resourceType":"platform","resourceId":"{platform}"}]}`, 400, "invalid_parameter", "upsertResources[0].resourceId"),
			batch("a long batch", `{`+subject+`,"upsertResources":[`+strings.TrimSuffix(many, ",")+`]}`, 400, "invalid_parameter", "upsertResources"),
			{Name: "batch as nobody", Method: post, Path: adminRules + "/batch", Body: `{}`, Operation: "batchAdminAccessRules", Status: 401, Code: "unauthorized"},
			{Name: "batch as a user", As: "user", Method: post, Path: adminRules + "/batch", Body: `{}`, Operation: "batchAdminAccessRules", Status: 403, Code: "forbidden"},
		})
	})
}

func TestOwnAccessRules(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, w *world) {
		t.Helper()
		ids := w.offer(t)
		const subject = `"subjectType":"api_key","subjectId":"{key}"`
		own := func(name, body string, status int, code, at string) surfacetest.Request {
			return surfacetest.Request{
				Name: name, As: "user", Method: post, Path: ownRules + "/batch", Body: body, Operation: "batchApiKeyAccessRules", Status: status, Code: code, At: at,
				Golden: status == 200,
			}
		}
		models := func(as string) string {
			a := w.Do(t, surfacetest.Request{As: as, Method: get, Path: "/api/v1/models"})
			return fmt.Sprint(strings.Count(string(a.Body), `"modelAlias":"chat-9"`))
		}
		const deny = `{` + subject + `,"effect":"deny","upsertResources":[{"resourceType":"platform_model","resourceId":"{model}"}]}`
		w.rules(t, ids, []surfacetest.Request{
			{Name: "no own rules", As: "user", Method: get, Path: ownRules, Operation: "listApiKeyAccessRules", Status: 200},
			own("deny an own key", deny, 200, "", ""),
			{Name: "own rules", As: "user", Method: get, Path: ownRules, Operation: "listApiKeyAccessRules", Status: 200, Golden: true},
			{Name: "own rules of others", As: "other", Method: get, Path: ownRules, Operation: "listApiKeyAccessRules", Status: 200, Golden: true},
			{Name: "own rules as nobody", Method: get, Path: ownRules, Operation: "listApiKeyAccessRules", Status: 401, Code: "unauthorized"},
		})
		if got := models("key") + models("user") + models("admin-key"); got != "011" {
			t.Errorf("models of the key, its user and another key: %s", got)
		}
		w.rules(t, ids, []surfacetest.Request{
			own("a rule about oneself", `{"subjectType":"user","subjectId":"{user}"}`, 400, "invalid_parameter", "subjectType"),
			own("no key", `{"subjectType":"api_key"}`, 400, "invalid_parameter", "subjectId"),
			own("somebody else's key", `{"subjectType":"api_key","subjectId":"{admin-key}"}`, 404, "not_found", "subjectId"),
			own("unknown key", `{"subjectType":"api_key","subjectId":"{nobody}"}`, 404, "not_found", "subjectId"),
			own("unknown resource of a key", `{`+subject+`,"upsertResources":[{"resourceType":"platform","resourceId":"{nobody}"}]}`, 400, "invalid_parameter", "upsertResources[0].resourceId"),
			{Name: "own batch as nobody", Method: post, Path: ownRules + "/batch", Body: `{}`, Operation: "batchApiKeyAccessRules", Status: 401, Code: "unauthorized"},
			{Name: "own batch as the key", As: "key", Method: post, Path: ownRules + "/batch", Body: deny, Operation: "batchApiKeyAccessRules", Status: 403, Code: "forbidden"},
			// What an administrator says about the key, its owner neither sees nor undoes.
			{Name: "an administrator's deny", As: "admin", Method: post, Path: adminRules + "/batch", Body: deny, Operation: "batchAdminAccessRules", Status: 200},
			own("undo an own rule", `{`+subject+`,"deleteResources":[{"resourceType":"platform_model","resourceId":"{model}"}]}`, 200, "", ""),
			own("allow an own key", `{`+subject+`,"upsertResources":[{"resourceType":"platform_model","resourceId":"{model}","priority":1000000}]}`, 200, "", ""),
		})
		if got := models("key"); got != "0" {
			t.Errorf("an owner has undone what an administrator said: %s", got)
		}
		w.rules(t, ids, []surfacetest.Request{
			{Name: "delete the key", As: "user", Method: del, Path: "/api/v1/api-keys/{key}", Operation: "deleteApiKey", Status: 204},
			{Name: "rules of a deleted key", As: "user", Method: get, Path: ownRules, Operation: "listApiKeyAccessRules", Status: 200},
		})
		a := w.Do(t, surfacetest.Request{As: "admin", Method: get, Path: adminRules})
		var left api.HttpapiAccessRuleListResponse
		a.JSON(t, &left)
		if len(left.Items) != 0 {
			t.Errorf("the key is gone, its rules are not: %s", a.Body)
		}
		if actions := w.Actions(); !slices.Contains(actions, "access_rule.created") || !slices.Contains(actions, "access_rule.deleted") {
			t.Errorf("announced %v", actions)
		}
	})
}

// TestAccessRulesOfTenants: an administrator of another tenant than the default one administers the rules of that tenant
// alone, and others' are unknown.
func TestAccessRulesOfTenants(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, w *world) {
		t.Helper()
		w.AddTenantAdmin("acme-admin", "acme")
		w.AddTenantAdmin("umbrella-admin", "umbrella")
		ids := w.offer(t)
		ids["acme-user"], ids["acme"] = w.User("acme-user").ID.String(), w.User("acme-user").TenantID.String()
		ids["umbrella-user"] = w.User("umbrella-user").ID.String()
		list := func(as string) (out []string) {
			a := w.Do(t, surfacetest.Request{As: as, Method: get, Path: adminRules})
			var rules api.HttpapiAccessRuleListResponse
			a.JSON(t, &rules)
			for _, r := range rules.Items {
				out = append(out, r.Id)
			}
			return out
		}
		create := func(as, subject, who string, status int, at string) string {
			a := w.Check(t, w.contract, surfacetest.Request{
				Name: as + " about " + who, As: as, Method: post, Path: adminRules, Operation: "createAdminAccessRule", Status: status, At: at,
				Code: map[bool]string{true: "invalid_parameter"}[status == 400],
				Body: surfacetest.Fill(`{"subjectType":"`+subject+`","subjectId":"{`+who+`}","resourceType":"platform_model","resourceId":"{model}","effect":"deny"}`, ids),
			})
			var r struct{ ID string }
			a.JSON(t, &r)
			return r.ID
		}
		ours := create("admin", "user", "user", 201, "")
		theirs := create("acme-admin", "user", "acme-user", 201, "")
		create("acme-admin", "user", "user", 400, "subjectId")
		create("acme-admin", "tenant", "tenant", 400, "subjectId")
		create("acme-admin", "api_key", "key", 400, "subjectId")
		create("umbrella-admin", "user", "acme-user", 400, "subjectId")
		if got := list("acme-admin"); !slices.Equal(got, []string{theirs}) {
			t.Errorf("acme sees %v", got)
		}
		if got := list("umbrella-admin"); len(got) != 0 {
			t.Errorf("umbrella sees %v", got)
		}
		if got := list("admin"); !slices.Equal(got, []string{ours, theirs}) {
			t.Errorf("the operator sees %v", got)
		}
		for _, rule := range []string{ours, theirs} {
			w.run(t, []surfacetest.Request{
				{Name: "change another tenant's", As: "umbrella-admin", Method: patch, Path: adminRules + "/" + rule, Body: `{"priority":1}`, Operation: "updateAdminAccessRule", Status: 404, Code: "not_found"},
				{Name: "delete another tenant's", As: "umbrella-admin", Method: del, Path: adminRules + "/" + rule, Operation: "deleteAdminAccessRule", Status: 404, Code: "not_found"},
			})
		}
		w.rules(t, ids, []surfacetest.Request{
			{Name: "a batch about another tenant's", As: "umbrella-admin", Method: post, Path: adminRules + "/batch", Body: `{"subjectType":"user","subjectId":"{acme-user}"}`, Operation: "batchAdminAccessRules", Status: 400, Code: "invalid_parameter", At: "subjectId"},
		})
		for who, want := range map[string]int{"acme-user": 0, "acme-key": 0, "umbrella-user": 1, "user": 0, "other": 1} {
			a := w.Do(t, surfacetest.Request{As: who, Method: get, Path: "/api/v1/models"})
			if got := strings.Count(string(a.Body), `"modelAlias":"chat-9"`); got != want {
				t.Errorf("%s sees the model %d times, want %d", who, got, want)
			}
		}
	})
}

// brokenRules are a storage that is away.
type brokenRules struct{ access.Store }

var errAway = errors.New("the disk at /data is away")

func (brokenRules) InTx(context.Context, func(tx.Tx) error) error { return errAway }

func (brokenRules) RuleList(context.Context, tx.Tx, access.Query) ([]access.Rule, error) {
	return nil, errAway
}

func TestAccessRulesWithoutStorage(t *testing.T) {
	t.Parallel()
	people := identitytest.NewStore()
	w := worldOf(t, surfacetest.On(t, identity.Config{}, surfacetest.Storage{
		Identity: people, Settings: people.Settings(), Catalog: catalogtest.NewStore(), Routing: routingtest.NewStore(), Access: brokenRules{},
	}))
	user, key := w.User("user").ID.String(), w.Key("key").String()
	body := `{"subjectType":"user","subjectId":"` + user + `","resourceType":"platform","resourceId":"` + user + `"}`
	for _, r := range []surfacetest.Request{
		{As: "admin", Method: get, Path: adminRules, Operation: "listAdminAccessRules"},
		{As: "admin", Method: post, Path: adminRules, Body: body, Operation: "createAdminAccessRule"},
		{As: "admin", Method: patch, Path: adminRules + "/" + user, Body: `{}`, Operation: "updateAdminAccessRule"},
		{As: "admin", Method: del, Path: adminRules + "/" + user, Operation: "deleteAdminAccessRule"},
		{As: "admin", Method: post, Path: adminRules + "/batch", Body: `{"subjectType":"user","subjectId":"` + user + `"}`, Operation: "batchAdminAccessRules"},
		{As: "user", Method: get, Path: ownRules, Operation: "listApiKeyAccessRules"},
		{As: "user", Method: post, Path: ownRules + "/batch", Body: `{"subjectType":"api_key","subjectId":"` + key + `"}`, Operation: "batchApiKeyAccessRules"},
	} {
		r.Name, r.Status, r.Code = r.Operation+" without storage", 500, "internal"
		if a := w.Check(t, w.contract, r); strings.Contains(string(a.Body), "/data") {
			t.Errorf("%s tells the cause: %s", r.Name, a.Body)
		}
	}
}
