package gemini_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire/gemini"
)

func TestErrorsAreGoogles(t *testing.T) {
	t.Parallel()
	body := gemini.ErrorBody(fault.New(429, "rate_limit", `Slow "down".`).At("model").After(1500 * time.Millisecond))
	want := `{"error":{"code":429,"message":"Slow \"down\".","status":"RESOURCE_EXHAUSTED","details":[` +
		`{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RATE_LIMIT","domain":"gantry"},` +
		`{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"model","description":"Slow \"down\"."}]},` +
		`{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"2s"}]}}`
	if string(body) != want {
		t.Errorf("got %s", body)
	}
	f := gemini.ParseError(body)
	if f.Code != 429 || f.Status != "RESOURCE_EXHAUSTED" || f.Reason != "RATE_LIMIT" || f.RetryDelay != 2*time.Second {
		t.Errorf("%+v", f)
	}
	for status, want := range map[int]string{400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 402: "RESOURCE_EXHAUSTED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 418: "INVALID_ARGUMENT", 499: "CANCELLED", 502: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED", 599: "INTERNAL"} {
		if got := gemini.StatusText(status); got != want {
			t.Errorf("%d is %s", status, got)
		}
	}
}

func TestErrorsAreReadInEveryShape(t *testing.T) {
	t.Parallel()
	quota := `{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED","details":[
		{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerMinute"},{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]},
		{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.5s"}]}}`
	for _, body := range []string{quota, `[` + quota + `]`, "\n" + quota} {
		if f := gemini.ParseError([]byte(body)); f.QuotaID != "GenerateRequestsPerDayPerProjectPerModel-FreeTier" || f.RetryDelay != 34500*time.Millisecond {
			t.Errorf("%+v", f)
		}
	}
	for _, body := range []string{``, `[]`, `<html>`, `"x"`, `{"error":"text"}`, `[1]`, `{"error":{"details":[1,{"@type":""}]}}`} {
		if f := gemini.ParseError([]byte(body)); f != (gemini.Failure{}) {
			t.Errorf("%s: %+v", body, f)
		}
	}
}

func FuzzParseError(f *testing.F) {
	f.Add([]byte(`{"error":{"code":429,"message":"m","status":"S","details":[{"@type":"a.ErrorInfo","reason":"r"}]}}`))
	f.Add([]byte(`[{"error":{"code":400}}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if got := gemini.ParseError(body); got.RetryDelay < 0 {
			t.Errorf("%+v", got)
		}
		if out := gemini.ErrorBody(fault.New(400, "x", string(body)).At(string(body))); !json.Valid(out) {
			t.Errorf("no JSON: %q", out)
		}
	})
}

func TestModelLists(t *testing.T) {
	t.Parallel()
	list := gemini.ModelList([]gemini.Model{
		{Name: "a/b", DisplayName: "A", InputLimit: 5, OutputLimit: 6, Methods: gemini.GenerateMethods},
		{Name: "e", Methods: gemini.EmbedMethods},
	}, "2")
	names, next, ok := gemini.ParseModels(list)
	if !ok || next != "2" || len(names) != 2 || names[0] != "a/b" || !json.Valid(list) {
		t.Errorf("%v %s %v: %s", names, next, ok, list)
	}
	if _, _, ok := gemini.ParseModels([]byte(`{"data":[]}`)); ok {
		t.Error("another's list is taken for Google's")
	}
}
