package surfacetest_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
)

func TestPromisesOfAContract(t *testing.T) {
	t.Parallel()
	c := surfacetest.LoadContract(t, "easyai-gateway", "httpapi.ErrorEnvelope")
	got := c.Promises()
	operations := map[string]bool{}
	for _, p := range got {
		operations[p.Operation] = true
	}
	if len(got) != 503 || len(operations) != 96 || !slices.Contains(got, surfacetest.Promise{Operation: "getReadyz", Status: 503}) {
		t.Errorf("%d answers of %d operations", len(got), len(operations))
	}
	if method, path := c.Place("deleteAdminTenant"); method != "DELETE" || path != "/api/admin/tenants/{tenantID}" {
		t.Errorf("%s %s", method, path)
	}
}

// TestGaps counts a promise that is kept in one place only, an excuse that is none, and one for nothing.
func TestGaps(t *testing.T) {
	t.Parallel()
	done, half, never := surfacetest.Promise{Operation: "a", Status: 200}, surfacetest.Promise{Operation: "a", Status: 404},
		surfacetest.Promise{Operation: "b", Status: 502}
	promises := []surfacetest.Promise{done, half, never}
	var kept surfacetest.Kept
	kept.Add(done, "here")
	kept.Add(done, "there")
	kept.Add(half, "here")
	for _, c := range []struct {
		excuses map[surfacetest.Promise]string
		want    []string
	}{
		{nil, []string{
			"a 404 is documented, and no golden shows it on there",
			"b 502 is documented, and no golden shows it on here", "b 502 is documented, and no golden shows it on there",
		}},
		{map[surfacetest.Promise]string{half: "why", never: "it cannot be"}, []string{"a 404 is shown on here, and excused: why"}},
		{map[surfacetest.Promise]string{{Operation: "c", Status: 200}: "gone", never: "it cannot be"}, []string{
			"a 404 is documented, and no golden shows it on there", "c 200 is excused, and not documented",
		}},
	} {
		if diff := cmp.Diff(c.want, kept.Gaps(promises, c.excuses, "here", "there")); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

func TestTypesOfAnswers(t *testing.T) {
	t.Parallel()
	c := surfacetest.LoadContract(t, "easyai-gateway", "httpapi.ErrorEnvelope")
	for _, v := range []struct {
		operation string
		status    int
		media     string
		body      string
		right     bool
	}{
		{"getHealthz", 200, "application/json", `{}`, true},
		{"getHealthz", 200, "application/json; charset=utf-8", `{}`, true},
		{"getHealthz", 200, "text/html", `{}`, false},
		{"getHealthz", 200, "", ``, false},
		{"deleteApiKey", 204, "", ``, true},
		{"deleteApiKey", 204, "", `x`, false},
		{"deleteApiKey", 204, "application/json", ``, false},
		{"streamTaskEvents", 200, "text/event-stream", "id: 1", true},
		{"getSimulationAsset", 404, "application/json", `{}`, false},
		{"openaiV1ChatCompletions", 200, "text/event-stream", "data: {}", true},
		{"openaiV1ChatCompletions", 400, "text/event-stream", "data: {}", false},
		{"createChatCompletionTask", 200, "text/event-stream", "data: {}", false},
		{"getHealthz", 418, "text/plain", "tea", true},
	} {
		if err := c.CheckMedia(v.operation, v.status, v.media, []byte(v.body)); (err == nil) != v.right {
			t.Errorf("%+v: %v", v, err)
		}
	}
}
