package app

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
)

const (
	policySets = "/api/admin/runtime/policy-sets"
	runner     = "/api/admin/runtime/runner-policy"
)

func TestPolicySets(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, testPolicySets)
}

func testPolicySets(d *desk) {
	one := policySets + "/{set}"
	d.all(surfacetest.Request{Name: "policy sets", As: "admin", Method: get, Path: policySets, Operation: "listAdminRuntimePolicySets", Status: 200, Golden: true})
	d.keep("set", surfacetest.Request{
		Name: "policy set created", As: "admin", Method: post, Path: policySets, Operation: "createAdminRuntimePolicySet", Status: 201, Golden: true,
		Body: `{"policyKey":"gentle","name":"Gentle","rateLimitPolicy":{"rpm":60,"tpm":100000,"concurrent":4,"windows":[{"metric":"images","limit":10,"windowSeconds":3600}]},` +
			`"retryPolicy":{"maxAttempts":3,"backoff":{"initialMs":50}},"degradePolicy":{"rules":[{"on":["timeout"],"threshold":2,"target":"platform"}]},` +
			`"autoDisablePolicy":{"enabled":true,"rules":[{"statusCodes":[401]}],"recoverAfterSeconds":90},"metadata":{"team":"a"}}`,
	})
	change := func(name, body string, status int, code, at string) surfacetest.Request {
		return surfacetest.Request{
			Name: name, As: "admin", Method: patch, Path: one, Body: body, Operation: "updateAdminRuntimePolicySet", Status: status,
			Code: code, At: at, Golden: status == 200,
		}
	}
	d.all(
		change("policy set changed", `{"name":"Gentler","retryPolicy":{"maxAttempts":1},"degradePolicy":null}`, 200, "", ""),
		change("policy key taken", `{"policyKey":"default"}`, 409, "policy_set_key_taken", "policyKey"),
		change("policy key wrong", `{"policyKey":"a b"}`, 400, "invalid_parameter", "policyKey"),
		change("no name", `{"name":" "}`, 400, "invalid_parameter", "name"),
		change("unknown status", `{"status":"on"}`, 400, "invalid_parameter", "status"),
		change("metadata", `{"metadata":[1]}`, 400, "invalid_parameter", "metadata"),
		change("unknown limit", `{"rateLimitPolicy":{"rpx":1}}`, 400, "invalid_parameter", "rateLimitPolicy.rpx"),
		change("no limit", `{"rateLimitPolicy":{"rpm":0}}`, 400, "invalid_parameter", "rateLimitPolicy.rpm"),
		change("unknown retry key", `{"retryPolicy":{"backoff":{"initial":1}}}`, 400, "invalid_parameter", "retryPolicy.backoff.initial"),
		change("too many attempts", `{"retryPolicy":{"maxAttempts":101}}`, 400, "invalid_parameter", "retryPolicy.maxAttempts"),
		change("unknown category", `{"degradePolicy":{"rules":[{"on":["sad"]}]}}`, 400, "invalid_parameter", "degradePolicy.rules[0].on[0]"),
		change("rule of nothing", `{"degradePolicy":{"rules":[{"threshold":1}]}}`, 400, "invalid_parameter", "degradePolicy.rules[0]"),
		change("unknown target", `{"autoDisablePolicy":{"rules":[{"on":["timeout"]}],"target":"world"}}`, 400, "invalid_parameter", "autoDisablePolicy.target"),
		change("a text", `{"retryPolicy":"often"}`, 400, "invalid_parameter", "retryPolicy"),
		change("a number as name", `{"name":7}`, 400, "invalid_json", "name"),
		surfacetest.Request{Name: "created without a key", As: "admin", Method: post, Path: policySets, Body: `{"name":"x"}`, Operation: "createAdminRuntimePolicySet", Status: 400, Code: "invalid_parameter", At: "policyKey"},
		surfacetest.Request{Name: "created without a name", As: "admin", Method: post, Path: policySets, Body: `{"policyKey":"x"}`, Operation: "createAdminRuntimePolicySet", Status: 400, Code: "invalid_parameter", At: "name"},
		surfacetest.Request{Name: "created twice", As: "admin", Method: post, Path: policySets, Body: `{"policyKey":"gentle","name":"x"}`, Operation: "createAdminRuntimePolicySet", Status: 409, Code: "policy_set_key_taken", At: "policyKey"},
		surfacetest.Request{Name: "unknown policy set", As: "admin", Method: patch, Path: policySets + "/" + nobody, Body: `{}`, Operation: "updateAdminRuntimePolicySet", Status: 404, Code: "not_found"},
	)
	d.operatorsOnly(
		surfacetest.Request{Method: get, Path: policySets, Operation: "listAdminRuntimePolicySets"},
		surfacetest.Request{Method: post, Path: policySets, Body: `{}`, Operation: "createAdminRuntimePolicySet"},
		surfacetest.Request{Method: patch, Path: one, Body: `{}`, Operation: "updateAdminRuntimePolicySet"},
		surfacetest.Request{Method: del, Path: one, Operation: "deleteAdminRuntimePolicySet"},
		surfacetest.Request{Method: get, Path: runner, Operation: "getAdminRunnerPolicy"},
		surfacetest.Request{Method: patch, Path: runner, Body: `{}`, Operation: "updateAdminRunnerPolicy"},
	)
	d.protectedPolicySets(one)
	d.runnerPolicy()
	if got := d.audited("targetType=policy_set&targetId={set}"); !slices.Equal(got, []string{"policy_set.deleted", "policy_set.updated", "policy_set.created"}) {
		d.t.Errorf("audited %v", got)
	}
}

func (d *desk) protectedPolicySets(one string) {
	d.t.Helper()
	var listed struct {
		Items []struct {
			ID        string `json:"id"`
			IsDefault bool   `json:"isDefault"`
		} `json:"items"`
	}
	d.call(get, policySets, d.admin, nil, &listed, 200)
	d.values["default"] = listed.Items[slices.IndexFunc(listed.Items, func(v struct {
		ID        string `json:"id"`
		IsDefault bool   `json:"isDefault"`
	},
	) bool {
		return v.IsDefault
	})].ID
	remove := func(name, path string, status int, code string) surfacetest.Request {
		return surfacetest.Request{Name: name, As: "admin", Method: del, Path: path, Operation: "deleteAdminRuntimePolicySet", Status: status, Code: code}
	}
	platform := d.platform("gentle", `"modelAlias":"m","providerModelName":"m","modelType":["chat"],"runtimePolicySetId":"{set}"`)
	d.all(
		remove("default policy set", policySets+"/{default}", 409, "policy_set_default"),
		remove("policy set in use", one, 409, "policy_set_in_use"),
		surfacetest.Request{Name: "default policies off", As: "admin", Method: patch, Path: policySets + "/{default}", Body: `{"status":"disabled"}`, Operation: "updateAdminRuntimePolicySet", Status: 409, Code: "policy_set_default", At: "status"},
		surfacetest.Request{Name: "policies in use off", As: "admin", Method: patch, Path: one, Body: `{"status":"disabled"}`, Operation: "updateAdminRuntimePolicySet", Status: 409, Code: "policy_set_in_use", At: "status"},
		surfacetest.Request{Name: "its user deleted", As: "admin", Method: del, Path: "/api/admin/platforms/" + platform, Operation: "deleteAdminPlatform", Status: 204},
		remove("policy set deleted", one, 204, ""),
		remove("policy set deleted twice", one, 404, "not_found"),
	)
}

// platform adds a platform of the fake upstream with one model.
func (d *desk) platform(key, model string) string {
	d.t.Helper()
	d.keep("made", surfacetest.Request{
		Name: "platform " + key, As: "admin", Method: post, Path: "/api/admin/platforms", Operation: "createAdminPlatform", Status: 201,
		Body: `{"provider":"openai","name":"` + key + `","platformKey":"` + key + `","baseUrl":"{upstream}","credentials":{"keys":[{"name":"one","key":"` + fakeopenai.DefaultKey + `"}]}}`,
	})
	d.ask(surfacetest.Request{
		Name: "model of " + key, As: "admin", Method: post, Path: "/api/admin/platforms/{made}/models", Body: `{` + model + `}`,
		Operation: "createAdminPlatformModelForPlatform", Status: 201,
	})
	return d.values["made"]
}

func (d *desk) runnerPolicy() {
	d.t.Helper()
	change := func(name, body string, status int, at string) surfacetest.Request {
		r := surfacetest.Request{Name: name, As: "admin", Method: patch, Path: runner, Body: body, Operation: "updateAdminRunnerPolicy", Status: status, At: at, Golden: status == 200}
		if status == 400 {
			r.Code = "invalid_parameter"
		}
		return r
	}
	d.all(
		surfacetest.Request{Name: "runner policy", As: "admin", Method: get, Path: runner, Operation: "getAdminRunnerPolicy", Status: 200, Golden: true},
		change("runner policy changed", `{"failoverPolicy":{"maxAttempts":2},"priorityDemotePolicy":{"rules":[{"on":["timeout"],"step":5}]}}`, 200, ""),
		change("runner hedge", `{"failoverPolicy":{"hedge":true}}`, 400, "failoverPolicy.hedge"),
		change("runner hedge without a time", `{"failoverPolicy":{"hedge":{"enabled":true}}}`, 400, "failoverPolicy.hedge.afterMs"),
		change("runner key", `{"hardStopPolicy":{"off":[]}}`, 400, "hardStopPolicy.off"),
		change("runner step", `{"priorityDemotePolicy":{"rules":[{"on":["timeout"],"step":0}]}}`, 400, "priorityDemotePolicy.rules[0].step"),
		change("runner off", `{"status":"disabled"}`, 400, "status"),
	)
	if got := d.audited("action=runner_policy.updated"); len(got) != 1 {
		d.t.Errorf("audited %v", got)
	}
}

func TestLiveLimits(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, testLiveLimits)
}

// testLiveLimits makes calls and reads what the relay counts of them.
func testLiveLimits(d *desk) {
	d.platform("narrow", `"modelAlias":"narrow","providerModelName":"gpt-4o-mini","modelType":["chat"],"rateLimitPolicy":{"rpm":2,"tpm":100000,"concurrent":3}`)
	windows := surfacetest.Request{Name: "no windows", As: "admin", Method: get, Path: "/api/admin/runtime/rate-limit-windows", Operation: "listAdminRateLimitWindows", Status: 200, Golden: true}
	d.ask(windows)
	for range 2 {
		d.call(post, "/v1/chat/completions", d.guest.key, chat("narrow", false), nil, 200)
	}
	windows.Name = "windows"
	d.all(
		windows,
		surfacetest.Request{Name: "model limits", As: "admin", Method: get, Path: "/api/admin/runtime/model-rate-limits", Operation: "listAdminModelRateLimits", Status: 200, Golden: true},
	)
	if status := d.modelStatus("narrow"); !status.RPM.Limited || status.RPM.UsedValue != "2" || status.RPM.ResetAt == "" {
		d.t.Errorf("two of two requests: %+v", status)
	}
	d.clock.Advance(2 * time.Minute)
	if status := d.modelStatus("narrow"); status.RPM.Limited || status.RPM.UsedValue != "0" {
		d.t.Errorf("two minutes later: %+v", status)
	}
	stream := d.open("narrow")
	if status := d.modelStatus("narrow"); status.Concurrent.CurrentValue != "1" || status.RPM.UsedValue != "1" || status.TPM.ReservedValue == "0" {
		d.t.Errorf("with a stream under way: %+v", status)
	}
	_ = stream.Close()
	d.waiting()
	d.operatorsOnly(
		surfacetest.Request{Method: get, Path: "/api/admin/runtime/rate-limit-windows", Operation: "listAdminRateLimitWindows"},
		surfacetest.Request{Method: get, Path: "/api/admin/runtime/model-rate-limits", Operation: "listAdminModelRateLimits"},
		surfacetest.Request{Method: get, Path: "/api/admin/config/network-proxy", Operation: "getAdminNetworkProxyConfig"},
	)
	d.ask(surfacetest.Request{Name: "proxy", As: "admin", Method: get, Path: "/api/admin/config/network-proxy", Operation: "getAdminNetworkProxyConfig", Status: 200})
}

// waiting accepts calls that no worker takes up here, and cancels one.
func (d *desk) waiting() {
	d.t.Helper()
	later := func() taskView {
		return d.accept("/v1/chat/completions", d.guest.key, chat("gpt-4o-mini", false), "X-Async", "true")
	}
	task := later()
	later()
	if here, there := d.modelStatus("gpt-4o-mini").QueuedTasks, d.modelStatus("narrow").QueuedTasks; here != "2" || there != "0" {
		d.t.Errorf("%s tasks wait here, %s there", here, there)
	}
	d.call(post, "/api/console/tasks/"+task.ID+"/cancel", d.login("guest"), nil, nil, 200)
	if here := d.modelStatus("gpt-4o-mini").QueuedTasks; here != "1" {
		d.t.Errorf("%s tasks wait when one was canceled", here)
	}
}

type modelStatus struct {
	ModelAlias             string `json:"modelAlias"`
	ModelCooldownUntil     string `json:"modelCooldownUntil"`
	PlatformDisabledReason *struct {
		EventType, Category string
	} `json:"platformDisabledReason"`
	QueuedTasks          json.Number
	Concurrent, RPM, TPM struct {
		CurrentValue, UsedValue, ReservedValue json.Number
		Limited                                bool
		ResetAt                                string
	}
}

func (d *desk) modelStatus(alias string) modelStatus {
	d.t.Helper()
	var out struct{ Items []modelStatus }
	d.call(get, "/api/admin/runtime/model-rate-limits", d.admin, nil, &out, 200)
	at := slices.IndexFunc(out.Items, func(s modelStatus) bool { return s.ModelAlias == alias })
	if at < 0 {
		d.t.Fatalf("no status of %s", alias)
	}
	return out.Items[at]
}
