package anthropic

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

var (
	paper = &wire.FileContent{Name: "a.pdf", MediaType: "application/pdf", Data: []byte("%PDF-1")}
	pixel = &wire.FileContent{Name: "a.png", MediaType: "image/png", Data: []byte("\x89PNG")}
	note  = &wire.FileContent{Name: "a.txt", MediaType: "text/markdown", Data: []byte("a \"b\"\n")}
)

func named(blocks string) string {
	return `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":` + blocks + `}]}`
}

// filesOf are the files that blocks name.
func filesOf(blocks string) ([]wire.FileRef, error) {
	body := []byte(named(blocks))
	ask, err := Messages.Peek(body)
	if err != nil {
		return nil, err
	}
	return messagesFormat{}.Files(body, &ask)
}

func TestMessagesNameFiles(t *testing.T) {
	t.Parallel()
	file := id.New()
	source := `{"type":"file","file_id":"file_` + file.Compact() + `"}`
	blocks := `[{"type":"document","source":` + source + `,"title":"x"},{"type":"text","text":"file_id"},{"type":"image","source":` + source + `},` +
		`{"type":"tool_result","tool_use_id":"t","content":[{"type":"im\u0061ge","source":{"type":"fil\u0065","file_id":"file-0"}}]},` +
		`{"type":"tool_use","id":"t","name":"n","input":{"type":"image","source":` + source + `}},` +
		`{"type":"image","source":{"type":"url","url":"https://x","file_id":null}}]`
	refs, err := filesOf(blocks)
	if err != nil || len(refs) != 3 || refs[0].File != file || refs[0].Image || refs[1].File != file || !refs[1].Image || !refs[2].File.IsZero() {
		t.Fatalf("%+v (%v)", refs, err)
	}
	if refs[0].Path != "messages.0.content.0.source.file_id" || refs[2].Path != "messages.0.content.3.content.0.source.file_id" {
		t.Errorf("%+v", refs)
	}
	body := []byte(named(blocks))
	if got := string(refs[1].Place.In(body)); got != source {
		t.Errorf("%s", got)
	}
	for _, c := range []struct {
		ref    wire.FileRef
		file   *wire.FileContent
		want   string
		tokens bool
	}{
		{refs[0], paper, `{"type":"base64","media_type":"application/pdf","data":"JVBERi0x"}`, false},
		{refs[0], note, `{"type":"text","media_type":"text/plain","data":"a \"b\"\n"}`, true},
		{refs[1], pixel, `{"type":"base64","media_type":"image/png","data":"iVBORw=="}`, false},
	} {
		text, tokens, err := messagesFormat{}.Inline(body, &c.ref, c.file)
		if err != nil || string(text) != c.want || (tokens > 0) != c.tokens {
			t.Errorf("%s, %d tokens (%v)", text, tokens, err)
		}
	}
}

func TestMessagesThatNameFilesWrongly(t *testing.T) {
	t.Parallel()
	for blocks, want := range map[string]string{
		`[{"type":"image","source":{"type":"file"}}]`:                             "messages.0.content.0.source.file_id",
		`[{"type":"image","source":{"type":"file","file_id":5}}]`:                 "messages.0.content.0.source.file_id",
		`[{"type":"image","source":{"type":"file","file_id":"a","file_id":"b"}}]`: "messages.0.content.0.source.file_id",
		`[{"type":"image","source":{"type":"file","FILE_id":"a"}}]`:               "messages.0.content.0.source.file_id",
		`[{"type":"container_upload","file_id":"file_1"}]`:                        "messages.0.content.0.file_id",
		`[{"type":"text","text":"x"},{"type":"image","source":{},"source":{}}]`:   "messages.0.content.1.source",
	} {
		_, err := filesOf(blocks)
		if f := fault.From(err); err == nil || f.Status != 400 || f.Path != want {
			t.Errorf("%s: %v at %q", blocks, err, fault.From(err).Path)
		}
	}
	ref := wire.FileRef{Path: "p", Image: true}
	if _, _, err := (messagesFormat{}).Inline(nil, &ref, paper); fault.From(err).Path != "p" {
		t.Errorf("a PDF as a picture: %v", err)
	}
	ref.Image = false
	for _, c := range []*wire.FileContent{pixel, {MediaType: "application/zip"}, {MediaType: "text/plain", Data: []byte("\xff")}} {
		if _, _, err := (messagesFormat{}).Inline(nil, &ref, c); fault.From(err).Status != 400 {
			t.Errorf("%s as a document: %v", c.MediaType, err)
		}
	}
}

// FuzzMessageFiles exchanges whatever is found, and what comes out is a request that names no file any more.
func FuzzMessageFiles(f *testing.F) {
	f.Add([]byte(named(`[{"type":"document","source":{"type":"file","file_id":"x"}},{"type":"tool_result","content":[{"type":"image","source":{"file_id":"y","type":"file"}}]}]`)))
	f.Fuzz(func(t *testing.T, body []byte) {
		ask, err := Messages.Peek(body)
		if err != nil {
			return
		}
		refs, err := messagesFormat{}.Files(body, &ask)
		if err != nil {
			return
		}
		var edits []jsonscan.Edit
		for i := range refs {
			text, _, err := messagesFormat{}.Inline(body, &refs[i], map[bool]*wire.FileContent{true: pixel, false: note}[refs[i].Image])
			if err != nil {
				t.Fatal(err)
			}
			edits = append(edits, jsonscan.Edit{Field: refs[i].Place, Text: text})
		}
		out := jsonscan.Apply(nil, body, edits...)
		if ask, err = Messages.Peek(out); err != nil || !json.Valid(out) {
			t.Fatalf("%s becomes %s: %v", body, out, err)
		}
		if left, err := (messagesFormat{}).Files(out, &ask); err != nil || len(left) > 0 {
			t.Fatalf("%s still names %+v (%v)", strings.TrimSpace(string(out)), left, err)
		}
	})
}
