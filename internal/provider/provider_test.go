package provider

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

func TestDecodeConfig(t *testing.T) {
	t.Parallel()
	type settings struct {
		A int    `json:"a"`
		B string `json:"b,omitempty"`
	}
	for in, path := range map[string]string{
		``: "", ` `: "", `{}`: "", `{"a":2,"b":"x"}`: "", `null`: "", `[]`: "config", `{"a":`: "config", `{"a":"x"}`: "config.a",
		`{"A":1}`: "config.A", `{"z":1,"c":1}`: "config.c",
	} {
		got := settings{A: 1}
		err := DecodeConfig([]byte(in), &got)
		var f *fault.Error
		if path == "" && err != nil || path != "" && (!errors.As(err, &f) || f.Path != path || !errors.Is(err, ErrConfig)) {
			t.Errorf("%s: %v", in, err)
		}
		if in == `{"a":2,"b":"x"}` && got != (settings{2, "x"}) {
			t.Errorf("got %+v", got)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		header map[string]string
		want   time.Duration
	}{
		{nil, 0},
		{map[string]string{"Retry-After": "7"}, 7 * time.Second},
		{map[string]string{"Retry-After": "0.5"}, 500 * time.Millisecond},
		{map[string]string{"Retry-After": "7", "Retry-After-Ms": "1500"}, 1500 * time.Millisecond},
		{map[string]string{"Retry-After": "-1"}, 0},
		{map[string]string{"Retry-After": "NaN"}, 0},
		{map[string]string{"Retry-After": "soon"}, 0},
		{map[string]string{"Retry-After": "1e300"}, maxWait},
		{map[string]string{"Retry-After": "+Inf"}, maxWait},
		{map[string]string{"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30 * time.Second},
		{map[string]string{"Retry-After": "Wed, 21 Oct 2026 07:27:30 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0},
		{map[string]string{"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT"}, 0},
	} {
		h := http.Header{}
		for k, v := range c.header {
			h.Set(k, v)
		}
		if got := RetryAfter(h); got != c.want {
			t.Errorf("%v: %v, want %v", c.header, got, c.want)
		}
	}
}

func TestScrub(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Incorrect API key provided: sk-proj-********abcd. See https://x.example/keys.": "Incorrect API key provided: *** See ***",
		"Rate limit for gpt-4o in organization org-AbCdEf123456 on RPM":                 "Rate limit for gpt-4o in organization *** on RPM",
		"Authorization: Bearer abc.def was refused":                                     "Authorization: *** was refused",
		"dial tcp 10.0.0.7:443 by ops@corp.example":                                     "dial tcp *** by ***",
		"a\r\nb\x00c":   "a  b c",
		"my own secret": "my own ***",
		"max_tokens 7 is above 4096 for user-agent": "max_tokens 7 is above 4096 for user-agent",
		"\xff": "",
	} {
		if got := Scrub(in, "secret", ""); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	long := Scrub(strings.Repeat("é", 1000))
	if len(long) != maxMessage || strings.Trim(long, "é") != "" {
		t.Errorf("%d bytes", len(long))
	}
	for in, want := range map[string]string{"rate_limit_exceeded": "rate_limit_exceeded", "two words": "", strings.Repeat("a", 65): "", "sk-abcdefgh": "***"} {
		if got := CleanCode(in); got != want {
			t.Errorf("code %q became %q", in, got)
		}
	}
}

func FuzzScrub(f *testing.F) {
	f.Add("key sk-abcdefgh12345678 at https://u:p@host/x from org-ABCDEF12")
	f.Fuzz(func(t *testing.T, s string) {
		got := Scrub(s+" sk-abcdefgh12345678 ", "hunter2hunter2")
		if strings.Contains(got, "sk-abcdefgh12345678") || len(got) > maxMessage {
			t.Errorf("%q became %q", s, got)
		}
	})
}
