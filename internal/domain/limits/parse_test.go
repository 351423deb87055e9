package limits_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

func TestRateLimitPolicy(t *testing.T) {
	t.Parallel()
	got, err := limits.ParseRateLimit("p", []byte(`{"rpm":10,"tpm":2000,"concurrent":3,"rpd":5,"tpd":6,
		"windows":[{"metric":"amount","limit":0.5,"windowSeconds":3600},{"metric":"images","limit":4,"windowSeconds":1}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := &limits.RateLimit{Concurrent: 3, Windows: []limits.Window{
		{Metric: limits.Requests, Limit: 10, Span: time.Minute},
		{Metric: limits.Tokens, Limit: 2000, Span: time.Minute},
		{Metric: limits.Requests, Limit: 5, Span: 24 * time.Hour},
		{Metric: limits.Tokens, Limit: 6, Span: 24 * time.Hour},
		{Metric: limits.Amount, Limit: 500_000_000, Span: time.Hour},
		{Metric: limits.Images, Limit: 4, Span: time.Second},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, none := range []string{"", "null", " {} ", `{"windows":[]}`} {
		if got, err := limits.ParseRateLimit("p", []byte(none)); got != nil || err != nil {
			t.Errorf("%q: %v, %v", none, got, err)
		}
	}
}

func TestRateLimitPolicyRefusals(t *testing.T) {
	t.Parallel()
	for text, path := range map[string]string{
		`{"rpn":1}`:         "p.rpn",
		`{"RPM":1}`:         "p.RPM",
		`{"rpm":1,"rpm":2}`: "p.rpm",
		`{"rpm":0}`:         "p.rpm",
		`{"rpm":-1}`:        "p.rpm",
		`{"rpm":1.5}`:       "p.rpm",
		`{"rpm":"1"}`:       "p.rpm",
		`{"rpm":null}`:      "p.rpm",
		`{"rpm":9e99}`:      "p.rpm",
		`{"concurrent":0}`:  "p.concurrent",
		`{"windows":{}}`:    "p.windows",
		`{"windows":[1]}`:   "p.windows[0]",
		`{"windows":[{}]}`:  "p.windows[0].metric",
		`[]`:                "p",
		`{"rpm":1`:          "p",
		`{"rpm":1} {}`:      "p",
		`{"windows":[{"metric":"tokens","limit":1}]}`:                                  "p.windows[0].windowSeconds",
		`{"windows":[{"metric":"tokens","windowSeconds":1}]}`:                          "p.windows[0].limit",
		`{"windows":[{"metric":"concurrent","limit":1,"windowSeconds":1}]}`:            "p.windows[0].metric",
		`{"windows":[{"metric":"tokens","limit":1.5,"windowSeconds":1}]}`:              "p.windows[0].limit",
		`{"windows":[{"metric":"amount","limit":"0","windowSeconds":1}]}`:              "p.windows[0].limit",
		`{"windows":[{"metric":"tokens","limit":1,"windowSeconds":99999999}]}`:         "p.windows[0].windowSeconds",
		`{"windows":[{"metric":"tokens","limit":1,"windowSeconds":1,"windowSecs":1}]}`: "p.windows[0].windowSecs",
		`{"windows":[{"metric":"amount","limit":0.0000000001,"windowSeconds":1}]}`:     "p.windows[0].limit",
	} {
		_, err := limits.ParseRateLimit("p", []byte(text))
		if fault.From(err) == nil || fault.From(err).Path != path || fault.From(err).Status != 400 {
			t.Errorf("%s: %v, want it refused at %s", text, err, path)
		}
	}
}

func TestPlatformRateLimitPolicy(t *testing.T) {
	t.Parallel()
	platform, credential, err := limits.ParsePlatformRateLimit("p", []byte(`{"rpm":10,"credential":{"rpm":3,"concurrent":2}}`))
	if err != nil {
		t.Fatal(err)
	}
	minute := func(n int64) []limits.Window {
		return []limits.Window{{Metric: limits.Requests, Limit: n, Span: time.Minute}}
	}
	if diff := cmp.Diff(&limits.RateLimit{Windows: minute(10)}, platform); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(&limits.RateLimit{Windows: minute(3), Concurrent: 2}, credential); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{"", "null", `{}`, `{"credential":{}}`, `{"credential":null}`} {
		if platform, credential, err := limits.ParsePlatformRateLimit("p", []byte(text)); platform != nil || credential != nil || err != nil {
			t.Errorf("%q: %v, %v, %v", text, platform, credential, err)
		}
	}
	for text, path := range map[string]string{
		`{"credential":{"rpn":1}}`:                 "p.credential.rpn",
		`{"credential":{"credential":{"rpm":1}}}`:  "p.credential.credential",
		`{"credential":1}`:                         "p.credential",
		`{"credential":{"rpm":1},"credential":{}}`: "p.credential",
		`{"credential":{"rpm":1},"rpm":0}`:         "p.rpm",
	} {
		if _, _, err := limits.ParsePlatformRateLimit("p", []byte(text)); fault.From(err) == nil || fault.From(err).Path != path {
			t.Errorf("%s: %v, want it refused at %s", text, err, path)
		}
	}
	if _, err := limits.ParseRateLimit("p", []byte(`{"credential":{"rpm":1}}`)); fault.From(err) == nil || fault.From(err).Path != "p.credential" {
		t.Errorf("what is no platform has no credentials: %v", err)
	}
}

func TestQuotaPolicy(t *testing.T) {
	t.Parallel()
	got, err := limits.ParseQuota("q", []byte(
		`{"currency":"USD","total":"100","day":10.000000001,"month":5e1,"timeZone":"+08:00","soft":"0.8"}`))
	if err != nil {
		t.Fatal(err)
	}
	want := &limits.Quota{Currency: money.USD, Offset: 8 * time.Hour}
	want.Bounds[limits.Total] = limits.Bound{Set: true, Limit: 100e9, Soft: 80e9}
	want.Bounds[limits.Day] = limits.Bound{Set: true, Limit: 10e9 + 1, Soft: 8e9 + 1} // rounded up
	want.Bounds[limits.Month] = limits.Bound{Set: true, Limit: 50e9, Soft: 40e9}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for text, path := range map[string]string{
		`{"currency":"USD"}`:                                   "q",
		`{"day":"1"}`:                                          "q.currency",
		`{"currency":"XYZ","day":"1"}`:                         "q.currency",
		`{"currency":"USD","day":"-1"}`:                        "q.day",
		`{"currency":"USD","day":"1.0000000001"}`:              "q.day",
		`{"currency":"USD","day":true}`:                        "q.day",
		`{"currency":"USD","day":"1","week":"1"}`:              "q.week",
		`{"currency":"USD","day":"1","timeZone":"Asia/Tokyo"}`: "q.timeZone",
		`{"currency":"USD","day":"1","timeZone":"+08:01"}`:     "q.timeZone",
		`{"currency":"USD","day":"1","timeZone":"+23:00"}`:     "q.timeZone",
		`{"currency":"USD","day":"1","soft":1.1}`:              "q.soft",
		`{"currency":"USD","day":"1","soft":0}`:                "q.soft",
		`{"currency":"USD","day":"1","currency":"CNY"}`:        "q.currency",
		`{"currency":"USD","day":"99999999999999999999999"}`:   "q.day",
	} {
		_, err := limits.ParseQuota("q", []byte(text))
		if !errors.Is(err, fault.ErrInvalid) || fault.From(err).Path != path {
			t.Errorf("%s: %v, want it refused at %s", text, err, path)
		}
	}
}

// FuzzParsers: whatever text comes, a policy is refused with a path, or is one whose limits can be counted with.
func FuzzParsers(f *testing.F) {
	for _, seed := range []string{
		`{"rpm":1,"windows":[{"metric":"tokens","limit":1,"windowSeconds":1}]}`, `{"currency":"USD","day":"1","soft":"0.5"}`,
		`{"currency":"JPY","total":9223372036854,"timeZone":"-03:30"}`, `{"windows":[{"metric":"amount","limit":"1e-9"}]}`, `{`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := limits.ParseRateLimit("p", raw)
		if err != nil && (fault.From(err).Status != 400 || fault.From(err).Path == "") {
			t.Fatalf("rate: %v", err)
		}
		if r != nil {
			for _, w := range r.Windows {
				if w.Limit < 1 || w.Span < time.Second || w.Metric == 0 || w.Metric == limits.Concurrent {
					t.Fatalf("window %+v", w)
				}
			}
		}
		q, err := limits.ParseQuota("q", raw)
		if err != nil && (fault.From(err).Status != 400 || fault.From(err).Path == "") {
			t.Fatalf("quota: %v", err)
		}
		if q != nil {
			for _, b := range q.Bounds {
				if b.Limit < 0 || b.Soft > b.Limit || b.Soft < 0 {
					t.Fatalf("bound %+v", b)
				}
			}
		}
	})
}
