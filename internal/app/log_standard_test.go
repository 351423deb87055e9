package app

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestWhatAnUpstreamSentIsNotLogged(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	to := standardLog{slog.New(slog.NewTextHandler(&out, nil))}
	for message, want := range map[string]string{
		"Unsolicited response received on idle HTTP channel starting with \"somebody's answer\"; err=<nil>\n": "sent more than its answer",
		"http: superfluous response.WriteHeader call\n":                                                       "superfluous",
	} {
		out.Reset()
		if n, err := fmt.Fprint(to, message); n != len(message) || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if got := out.String(); !strings.Contains(got, want) || strings.Contains(got, "somebody") {
			t.Errorf("logged %s", got)
		}
	}
}
