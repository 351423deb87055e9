package console_test

import (
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/access"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/surface/console/api"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
)

func TestExplainRoute(t *testing.T) {
	t.Parallel()
	w := populated(t)
	connect := func(name, credentials string) (platform string) {
		a := w.Check(t, w.contract, surfacetest.Request{
			Name: "connect " + name, As: "operator", Method: post, Path: "/api/console/platforms/connect", Operation: "connectPlatform", Status: 201,
			Body: `{"provider":"openai","baseUrl":"","name":"` + name + `","models":["chat-9"],"credentials":` + credentials + `}`,
		})
		var out api.PlatformConnection
		a.JSON(t, &out)
		return out.Platform.Id
	}
	first := connect("First", `{"keys":[{"key":"sk-aaaaaaaaaaaa"},{"key":"sk-bbbbbbbbbbbb"}]}`)
	second := connect("Second", `{"apiKey":"sk-cccccccccccc"}`)
	explain := func(name, body string, status int, code, at string) *surfacetest.Answer {
		return w.Check(t, w.contract, surfacetest.Request{
			Name: name, As: "admin", Method: post, Path: "/api/console/routes/explain", Body: body, Operation: "explainRoute",
			Status: status, Code: code, At: at,
		})
	}
	for _, c := range []struct {
		name, body string
		steps      int
		verdict    string
		code       string
	}{
		{"all is well", `{"model":"chat-9"}`, 1, "served", ""},
		{"one is down", `{"model":"chat-9","faults":[{"platformId":"` + first + `","fault":"429"}],"seed":1}`, 0, "served", ""},
		{"all are down", `{"model":"chat-9","faults":[{"fault":"403"}]}`, 3, "exhausted", "upstream_error"},
		{"all are full", `{"model":"chat-9","faults":[{"fault":"rpm_full"}]}`, 0, "refused", "upstream_rate_limit"},
		{"for a user", `{"model":"chat-9","subject":{"userId":"` + w.User("user").ID.String() + `"},"faults":[{"platformId":"` + second + `","fault":"down"}]}`, 0, "served", ""},
		{"tools", `{"model":"chat-9","request":{"features":["tools"],"stream":true,"inputTokens":5}}`, 1, "served", ""},
	} {
		var e api.RouteExplanation
		explain(c.name, c.body, 200, "", "").JSON(t, &e)
		if e.Verdict != c.verdict || len(e.Candidates) != 3 || c.steps > 0 && len(e.Steps) != c.steps ||
			(c.code == "") != (e.Error == nil) || e.Error != nil && e.Error.Code != c.code {
			t.Errorf("%s: %+v", c.name, e)
		}
		if e.Verdict == "served" && e.Steps[len(e.Steps)-1].Category != "ok" {
			t.Errorf("%s: steps %+v", c.name, e.Steps)
		}
	}
	explainAccess(t, w, explain, first, second)
	nobody := `"00000000-0000-7000-8000-000000000001"`
	explain("no model", `{"model":"nothing"}`, 404, "model_not_found", "model")
	explain("no kind", `{"model":"chat-9","kind":"poetry"}`, 400, "invalid_parameter", "kind")
	explain("no fault", `{"model":"chat-9","faults":[{"fault":"503"},{"fault":"tired"}]}`, 400, "invalid_parameter", "faults[1].fault")
	explain("no id", `{"model":"chat-9","faults":[{"fault":"503","platformId":"x"}]}`, 400, "invalid_parameter", "faults[0].platformId")
	explain("no feature", `{"model":"chat-9","request":{"features":["wings"]}}`, 400, "invalid_parameter", "request.features[0]")
	explain("nobody", `{"model":"chat-9","subject":{"userId":`+nobody+`}}`, 404, "not_found", "subject")
	explain("no such key", `{"model":"chat-9","subject":{"apiKeyId":`+nobody+`}}`, 404, "not_found", "subject")
	explain("negative", `{"model":"chat-9","request":{"inputTokens":-1}}`, 400, "invalid_parameter", "request")
}

// explainAccess: candidates tell the rule that decided, and the address may be supposed.
func explainAccess(
	t *testing.T, w *world, explain func(name, body string, status int, code, at string) *surfacetest.Answer, first, second string,
) {
	t.Helper()
	by := event.Actor{TenantID: w.User("admin").TenantID, Source: "jwt"}
	rule, err := w.Access.Create(t.Context(), by, access.Input{
		SubjectType: "user", SubjectID: w.User("user").ID.String(), ResourceType: "platform", ResourceID: first, Effect: "deny",
		Conditions: []byte(`{"ip":["203.0.113.0/24"]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	for ip, want := range map[string]string{"203.0.113.9": "access", "198.51.100.1": "passed"} {
		var e api.RouteExplanation
		explain("from "+ip, `{"model":"chat-9","subject":{"userId":"`+w.User("user").ID.String()+`"},"request":{"ip":"`+ip+`"}}`, 200, "", "").JSON(t, &e)
		for _, c := range e.Candidates {
			denied := c.PlatformId == first && want == "access"
			if (c.Gate == "access") != denied || (c.AccessRuleId == rule.ID.String()) != denied || c.PlatformId == second && c.AccessRuleId != "" {
				t.Errorf("from %s: %+v", ip, c)
			}
		}
	}
	explain("no address", `{"model":"chat-9","request":{"ip":"here"}}`, 400, "invalid_parameter", "request.ip")
	if err := w.Access.Delete(t.Context(), by, rule.ID); err != nil {
		t.Fatal(err)
	}
}
