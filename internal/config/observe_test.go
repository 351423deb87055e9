package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantry-ai/gantry/internal/config"
)

func TestLimitsAndTracing(t *testing.T) {
	t.Parallel()
	path := writeFile(t, "tracing:\n  endpoint: http://127.0.0.1:4318\n  sampleRatio: 0.25\n  headers: authorization=Bearer x, team = a\n"+
		"limits:\n  redis:\n    url: redis://u:p@127.0.0.1:6379/1\n    timeout: 50ms\n")
	c, _ := load(t, config.Options{File: path})
	if c.Tracing.SampleRatio != "0.25" || c.Limits.Redis.Timeout != 50*time.Millisecond || c.Limits.Redis.Prefix != "gantry" {
		t.Errorf("got %+v, %+v", c.Tracing, c.Limits)
	}
	want := map[string]string{"authorization": "Bearer x", "team": "a"}
	if diff := cmp.Diff(want, c.Tracing.HeaderMap()); diff != "" {
		t.Error(diff)
	}
}

func TestLimitsAndTracingRefusals(t *testing.T) {
	t.Parallel()
	for setting, value := range map[string]string{
		"LIMITS_REDIS_URL":     "127.0.0.1:6379",
		"LIMITS_REDIS_PREFIX":  "",
		"LIMITS_REDIS_TIMEOUT": "0s",
		"TRACING_ENDPOINT":     "127.0.0.1:4318",
		"TRACING_SAMPLE_RATIO": "1.1",
		"TRACING_HEADERS":      "token",
	} {
		_, _, err := config.Load(config.Options{Env: []string{"GANTRY_" + setting + "=" + value}})
		if name := strings.ReplaceAll(strings.ToLower(setting), "_", "."); err == nil ||
			!strings.Contains(strings.ToLower(err.Error()), strings.ReplaceAll(name, "sample.ratio", "sampleratio")) {
			t.Errorf("%s=%s: %v", setting, value, err)
		}
	}
	for _, ratio := range []string{"NaN", "-0.1", "", "half"} {
		if _, _, err := config.Load(config.Options{Env: []string{"GANTRY_TRACING_SAMPLE_RATIO=" + ratio}}); err == nil {
			t.Errorf("a ratio of %q is taken", ratio)
		}
	}
}
