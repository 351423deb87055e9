package batches

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/kernel/id"
)

const goodLine = `{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"m"}}`

func TestLinesAreFoundWhereTheyAre(t *testing.T) {
	t.Parallel()
	b := &Batch{ID: id.New(), Endpoint: "/v1/chat/completions"}
	input := "\n" + goodLine + "\r\n \n" + strings.Replace(goodLine, `"a"`, `"é"`, 1)
	lines, wrong, err := readInput(b, strings.NewReader(input))
	if err != nil || len(wrong) > 0 || len(lines) != 2 || lines[1].No != 4 || lines[1].CustomID != "é" {
		t.Fatalf("%+v %+v %v", lines, wrong, err)
	}
	for i := range lines {
		body, err := bodyOf(b, &lines[i], strings.NewReader(input))
		if err != nil || string(body) != `{"model":"m"}` {
			t.Errorf("line %d: %s (%v)", i, body, err)
		}
	}
}

func TestLinesHaveBounds(t *testing.T) {
	t.Parallel()
	b := &Batch{ID: id.New(), Endpoint: "/v1/chat/completions"}
	_, wrong, err := readInput(b, strings.NewReader(strings.Repeat("x", maxLine+2)))
	if err != nil || len(wrong) != 2 && (len(wrong) != 1 || wrong[0].Code == "") {
		t.Errorf("a long line: %+v (%v)", wrong, err)
	}
	_, wrong, err = readInput(b, strings.NewReader(strings.Repeat("x\n", 3*maxProblems)))
	if err != nil || len(wrong) != maxProblems {
		t.Errorf("%d problems (%v)", len(wrong), err)
	}
}

// FuzzInput finds every line that is taken again, as a request for the batch's endpoint.
func FuzzInput(f *testing.F) {
	f.Add([]byte(goodLine + "\n\n" + goodLine))
	f.Add([]byte("{\"custom_id\":\"\xff\"}\n[]\n{"))
	f.Fuzz(func(t *testing.T, input []byte) {
		b := &Batch{ID: id.New(), Endpoint: "/v1/chat/completions"}
		lines, wrong, err := readInput(b, bytes.NewReader(input))
		if err != nil || len(wrong) > maxProblems || len(lines) == 0 && len(wrong) == 0 {
			t.Fatalf("%d lines, %d problems (%v)", len(lines), len(wrong), err)
		}
		for i := range lines {
			body, err := bodyOf(b, &lines[i], bytes.NewReader(input))
			if err != nil || len(wrong) == 0 && (len(body) == 0 || body[0] != '{') {
				t.Errorf("line %d: %q (%v)", lines[i].No, body, err)
			}
		}
	})
}
