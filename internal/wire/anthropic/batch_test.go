package anthropic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

func TestBatchesAreTakenApart(t *testing.T) {
	t.Parallel()
	body := "\n{ \"x\": [1], \"requests\" : [\n {\"custom_id\":\"a\",\r\n \"params\":{\"model\":\"m\",\"stream\":false}}\n, {\"params\":{},\"custom_id\":\"\\u0062-_9\"}] }\n"
	lines, n, err := BatchLines([]byte(body), 2)
	want := "{\"custom_id\":\"a\",   \"params\":{\"model\":\"m\",\"stream\":false}}\n{\"params\":{},\"custom_id\":\"\\u0062-_9\"}\n"
	if err != nil || n != 2 || string(lines) != want {
		t.Errorf("%d %q (%v)", n, lines, err)
	}
}

func TestBatchesThatAreNone(t *testing.T) {
	t.Parallel()
	item := func(more string) string { return `{"requests":[{"custom_id":"a","params":{}},` + more + `]}` }
	for body, want := range map[string]string{
		`{}`: "requests", `{"requests":null}`: "requests", `{"requests":{}}`: "requests", `{"requests":[]}`: "requests",
		`{"requests":[],"requests":[]}`: "requests", `{"Requests":[]}`: "requests", `[]`: "", `{`: "", `{"requests":[}`: "",
		item(`1`): "requests.1", item(`{}`): "requests.1.custom_id", item(`{"custom_id":"b"}`): "requests.1.params",
		item(`{"custom_id":"b","params":[]}`):                                                                    "requests.1.params",
		item(`{"custom_id":"b","params":{},"params":{}}`):                                                        "requests.1.params",
		item(`{"custom_id":"a","params":{}}`):                                                                    "requests.1.custom_id",
		item(`{"custom_id":"\u0061","params":{}}`):                                                               "requests.1.custom_id",
		item(`{"custom_id":"","params":{}}`):                                                                     "requests.1.custom_id",
		item(`{"custom_id":"a b","params":{}}`):                                                                  "requests.1.custom_id",
		item(`{"custom_id":"é","params":{}}`):                                                                    "requests.1.custom_id",
		item(`{"custom_id":7,"params":{}}`):                                                                      "requests.1.custom_id",
		item(`{"custom_id":"b","params":{"stream":true}}`):                                                       "requests.1.params.stream",
		item(`{"custom_id":"b","params":{"stream":1,"stream":true}}`):                                            "requests.1.params.stream",
		item(`{"custom_id":"` + strings.Repeat("x", 65) + `","params":{}}`):                                      "requests.1.custom_id",
		item(`{"custom_id":"b","params":{}},{"custom_id":"c","params":{}}`):                                      "requests",
		item(`{"custom_id":"b","params":` + strings.Repeat(`{"a":`, 600) + `1` + strings.Repeat(`}`, 600) + `}`): "",
	} {
		_, _, err := BatchLines([]byte(body), 2)
		if f := fault.From(err); err == nil || f.Status != 400 || f.Path != want {
			t.Errorf("%.80s: %v at %q, want %q", body, err, fault.From(err).Path, want)
		}
	}
}

// FuzzBatchLines finds on each line of what is taken a request with a name of its own, as other readers find it.
func FuzzBatchLines(f *testing.F) {
	f.Add([]byte(`{"requests":[{"custom_id":"a","params":{"messages":[{"content":"x\ny"}]}},` + "\n" + `{"custom_id":"b","params":{}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var whole struct {
			Requests []struct {
				CustomID string          `json:"custom_id"`
				Params   json.RawMessage `json:"params"`
			} `json:"requests"`
		}
		wholeErr := json.Unmarshal(body, &whole)
		lines, n, err := BatchLines(body, 100)
		if err != nil {
			return
		}
		if wholeErr != nil || len(whole.Requests) != n || bytes.Count(lines, []byte("\n")) != n {
			t.Fatalf("%d requests, %d of them read (%v): %q", n, len(whole.Requests), wholeErr, lines)
		}
		at := 0
		for line := range bytes.Lines(lines) {
			var one struct {
				CustomID string          `json:"custom_id"`
				Params   json.RawMessage `json:"params"`
			}
			if err := json.Unmarshal(line, &one); err != nil || one.CustomID != whole.Requests[at].CustomID {
				t.Fatalf("line %d: %q (%v)", at, line, err)
			}
			if a, b := compacted(one.Params), compacted(whole.Requests[at].Params); a != b {
				t.Fatalf("line %d: %s and %s", at, a, b)
			}
			at++
		}
	})
}

func compacted(text []byte) string {
	var out bytes.Buffer
	if err := json.Compact(&out, text); err != nil {
		return fmt.Sprint(err)
	}
	return out.String()
}
