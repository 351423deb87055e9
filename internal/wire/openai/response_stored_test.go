package openai

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/wire"
)

const thought = `{"id":"resp_up","status":"completed","output":[{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}],` +
	`"encrypted_content":"x"},{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"Yes.","annotations":[]}]}]}`

func TestContinueKeepsEverythingElse(t *testing.T) {
	t.Parallel()
	past := []wire.Turn{{Input: []byte(`"one"`), Answer: []byte(thought)}, {Input: []byte(`[{"role":"user","content":"two"}]`), Answer: []byte(thought)}}
	const user = `{"type":"message","role":"user","content":[{"type":"input_text","text":"one"}]}`
	const said = `{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"Yes.","annotations":[]}]}`
	for _, c := range []struct{ body, want string }{
		{
			`{"model":"m", "previous_response_id":"resp_1" ,"input":"three","x":1}`,
			`{"model":"m", "previous_response_id":null ,"input":[` + user + `,` + said + `,{"role":"user","content":"two"},` + said + `,` +
				strings.Replace(user, "one", "three", 1) + `],"x":1}`,
		},
		{
			`{"model":"m","previous_response_id":"resp_1"}`,
			`{"input":[` + user + `,` + said + `,{"role":"user","content":"two"},` + said + `],"model":"m","previous_response_id":null}`,
		},
	} {
		ask, err := Responses.Peek([]byte(c.body))
		if err != nil {
			t.Fatal(err)
		}
		f := Responses.(wire.Storing) //nolint:forcetypeassert // it is
		if got := string(f.Continue(nil, []byte(c.body), &ask, past, false)); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
		hidden := f.Continue(nil, []byte(c.body), &ask, past, true)
		if n := bytes.Count(hidden, []byte("encrypted_content")); n != 2 || !json.Valid(hidden) {
			t.Errorf("%d thoughts in %s", n, hidden)
		}
	}
}

func TestRenameTakesTheUpstreamsName(t *testing.T) {
	t.Parallel()
	f := Responses.(wire.Storing) //nolint:forcetypeassert // it is
	for body, want := range map[string]string{
		thought: strings.Replace(thought, `"resp_up"`, `"resp_a"`, 1),
		`{"id":"u","previous_response_id":null,"output":[]}`: `{"id":"resp_a","previous_response_id":"resp_b","output":[]}`,
		`{"output":[]}`: `{"id":"resp_a","previous_response_id":"resp_b","output":[]}`,
	} {
		n := wire.Names{ID: "resp_a", Previous: "resp_b"}
		if body == thought {
			n.Previous = ""
		}
		if got := string(f.Rename(nil, []byte(body), &n)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestNamesAreOfOneForm(t *testing.T) {
	t.Parallel()
	one := id.New()
	name := Name(PrefixResponse, one)
	if got, ok := ParseName(PrefixResponse, name); !ok || got != one {
		t.Errorf("%s is %v", name, got)
	}
	for _, wrong := range []string{"", "resp_", name[5:], name + "0", strings.ToUpper(name), "file-" + name[5:], "resp_" + one.String(), "resp_../../../../etc/passwd00000000000"} {
		if _, ok := ParseName(PrefixResponse, wrong); ok {
			t.Errorf("%q is a name", wrong)
		}
	}
}

func TestInputItemsHaveNames(t *testing.T) {
	t.Parallel()
	items := InputItems([]wire.Turn{{Input: []byte(`"one"`), Answer: []byte(thought)}, {Input: []byte(`[{"id":"own","role":"user","content":"two"}]`)}}, "resp_a")
	var ids []string
	for _, item := range items {
		if !json.Valid(item) || !bytes.Contains(item, []byte(`"type"`)) {
			t.Errorf("item %s", item)
		}
		ids = append(ids, ItemID(item))
	}
	if got := strings.Join(ids, " "); got != "item_a_0 rs_1 msg_1 own" {
		t.Errorf("items %s", got)
	}
}

// TestReplayIsTheSameWherever it is resumed.
func TestReplayIsTheSameWhereverItIsResumed(t *testing.T) {
	t.Parallel()
	whole := strings.Replace(thought, `"output":[`, `"output":[{"type":"function_call","id":"fc_1","name":"f","arguments":"{}"},{"type":"other"},`, 1)
	pending := (&PendingResponse{ID: "resp_a", Model: "m", Status: "in_progress"}).JSON()
	all := Replay{After: -1}
	stream := append(bytes.Clone(all.Begin(pending)), all.End([]byte(whole))...)
	count := bytes.Count(stream, []byte("event: "))
	for after := range int64(count) {
		r := Replay{After: after}
		rest := append(bytes.Clone(r.Begin(pending)), r.End([]byte(whole))...)
		if !bytes.HasSuffix(stream, rest) || bytes.Count(rest, []byte("event: ")) != count-int(after)-1 {
			t.Fatalf("behind %d come\n%s", after, rest)
		}
	}
	m := Responses.Meter(wire.MeterOptions{Names: &wire.Names{ID: "resp_z"}})
	var text string
	for event := range bytes.SplitSeq(stream, []byte("\n\n")) {
		if _, data, ok := bytes.Cut(event, []byte("data: ")); ok {
			out, sign := m.Event(append(bytes.Clone(event), "\n\n"...), data)
			if sign == wire.Garbled || sign == wire.Broken {
				t.Fatalf("%s", event)
			}
			text += string(out)
		}
	}
	keeper := m.(wire.AnswerKeeper) //nolint:forcetypeassert // it is
	if !bytes.Contains(keeper.Answer(), []byte(`"id":"resp_z"`)) || strings.Contains(text, "resp_a") {
		t.Errorf("kept %s\nof %s", keeper.Answer(), text)
	}
}
