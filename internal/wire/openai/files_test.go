package openai_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// inlined puts a file into every place of a request that names one.
func inlined(t *testing.T, f wire.Format, body string, c *wire.FileContent) (string, []wire.FileRef) {
	t.Helper()
	ask, err := f.Peek([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	bearer, ok := f.(wire.FileBearer)
	if !ok {
		t.Fatal("no bearer of files")
	}
	refs, err := bearer.Files([]byte(body), &ask)
	if err != nil {
		t.Fatal(err)
	}
	var edits []jsonscan.Edit
	for i := range refs {
		text, _, err := bearer.Inline([]byte(body), &refs[i], c)
		if err != nil {
			t.Fatal(err)
		}
		edits = append(edits, jsonscan.Edit{Field: refs[i].Place, Text: text})
	}
	return string(jsonscan.Apply(nil, []byte(body), edits...)), refs
}

var (
	note  = &wire.FileContent{Name: "a \"b\".txt", MediaType: "text/plain", Data: []byte("hi")}
	pixel = &wire.FileContent{Name: "a.png", MediaType: "image/png", Data: []byte("\x89PNG")}
)

func TestChatsNameFiles(t *testing.T) {
	t.Parallel()
	file := id.New()
	name := "file-" + file.Compact()
	const before = `{"model":"m","messages":[{"role":"system","content":"file_id"},{"role":"user","content":[{"type":"text","text":"file_id"}, {"type":"file","file": `
	body := before + `{"x":1,"file_id":"` + name + `","filename":"other","file_data":null}}]}]}`
	got, refs := inlined(t, openai.Chat, body, note)
	want := before + `{"x":1,"filename":"a \"b\".txt","file_data":"data:text/plain;base64,aGk="}}]}]}`
	if got != want || len(refs) != 1 || refs[0].File != file || refs[0].Path != "messages[1].content[1].file.file_id" {
		t.Errorf("%s\n%+v", got, refs)
	}
}

func TestResponsesNameFiles(t *testing.T) {
	t.Parallel()
	file := id.New()
	body := `{"model":"m","input":[{"role":"user","content":[{"type":"input_file","file_id":"file_` + file.Compact() + `"},` +
		`{"type":"input_image","file\u005fid":"file-` + file.Compact() + `","image_url":null,"detail":"low"},{"type":"input_image","file_id":null,"image_url":"data:,"}]},` +
		`{"type":"function_call_output","call_id":"c","output":[{"type":"input_\u0069mage","file_id":"file-0"}]},` +
		`{"type":"message","role":"assistant","content":[{"type":"output_text","text":"x","annotations":[{"type":"file_citation","file_id":"file-9"}]}]},` +
		`{"type":"function_call","call_id":"c","name":"f","arguments":"{\"file_id\":\"x\"}"}, "file_id"]}`
	got, refs := inlined(t, openai.Responses, body, pixel)
	var paths []string
	for _, r := range refs {
		paths = append(paths, r.Path)
	}
	if strings.Join(paths, " ") != "input[0].content[0].file_id input[0].content[1].file_id input[1].output[0].file_id" {
		t.Errorf("%v", paths)
	}
	if refs[0].File != file || refs[1].File != file || !refs[2].File.IsZero() || !refs[1].Image {
		t.Errorf("%+v", refs)
	}
	for _, want := range []string{
		`{"type":"input_file","filename":"a.png","file_data":"data:image/png;base64,iVBORw=="}`,
		`{"type":"input_image","detail":"low","image_url":"data:image/png;base64,iVBORw=="}`, `{"type":"file_citation","file_id":"file-9"}`,
	} {
		if !strings.Contains(got, want) || !json.Valid([]byte(got)) {
			t.Errorf("%s lacks %s", got, want)
		}
	}
}

func TestFilesThatCannotBeNamedSo(t *testing.T) {
	t.Parallel()
	part := func(p string) string {
		return `{"model":"m","input":[{"role":"user","content":[` + p + `]}]}`
	}
	for body, want := range map[string]string{
		part(`{"type":"input_file","file_id":7}`):                            "input[0].content[0].file_id",
		part(`{"type":"input_file","file_id":"x","file_id":"y"}`):            "input[0].content[0].file_id",
		part(`{"type":"input_file","File_id":"x"}`):                          "input[0].content[0].file_id",
		part(`{"type":"input_file","file_id":"x","file_data":"data:,"}`):     "input[0].content[0].file_id",
		part(`{"type":"input_file","file_id":"x","file_url":"https://x"}`):   "input[0].content[0].file_id",
		part(`{"type":"input_image","file_id":"x"}`):                         "input[0].content[0].file_id", // the file is no picture
		part(`{"type":"input_image","file_id":"x","image_url":"https://x"}`): "input[0].content[0].file_id",
	} {
		ask, err := openai.Responses.Peek([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		bearer := openai.Responses.(wire.FileBearer) //nolint:forcetypeassert // as others show
		refs, err := bearer.Files([]byte(body), &ask)
		if err == nil {
			_, _, err = bearer.Inline([]byte(body), &refs[0], note)
		}
		if f := fault.From(err); err == nil || f.Status != 400 || f.Path != want {
			t.Errorf("%s: %v at %q", body, err, fault.From(err).Path)
		}
	}
}

func TestFilesAreBoundByWhatTheyAre(t *testing.T) {
	t.Parallel()
	bearer := openai.Responses.(wire.FileBearer) //nolint:forcetypeassert // as others show
	body := []byte(`{"type":"input_file","file_id":"x"}`)
	ref := wire.FileRef{Place: jsonscan.Field{End: len(body)}}
	for _, c := range []struct {
		media string
		size  int
		image bool
		want  int64
	}{{"image/png", 3 << 20, true, 0}, {"text/plain", 3 << 20, false, 3 << 20}, {"application/pdf", 3 << 20, false, 500_000}} {
		ref.Image = c.image
		text, tokens, err := bearer.Inline(body, &ref, &wire.FileContent{Name: "n", MediaType: c.media, Data: make([]byte, c.size)})
		if err != nil || tokens != c.want || len(text) < c.size*4/3 {
			t.Errorf("%s: %d tokens of %d bytes (%v)", c.media, tokens, len(text), err)
		}
	}
}

// FuzzFiles exchanges whatever is found, and what comes out is a request that names no file any more.
func FuzzFiles(f *testing.F) {
	f.Add([]byte(`{"model":"m","messages":[{"content":[{"type":"file","file":{"file_id":"x","a":[{}]}}]}]}`))
	f.Add([]byte(`{"model":"m","input":[{"content":[{"file_id":"x","type":"input_image"}],"output":[{"type":"input_file","file_id":"\u0078"}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, format := range []wire.Format{openai.Chat, openai.Responses} {
			ask, err := format.Peek(body)
			if err != nil {
				continue
			}
			bearer := format.(wire.FileBearer) //nolint:forcetypeassert // as others show
			refs, err := bearer.Files(body, &ask)
			if err != nil {
				continue
			}
			var edits []jsonscan.Edit
			for i := range refs {
				text, _, err := bearer.Inline(body, &refs[i], pixel)
				if err != nil {
					return
				}
				edits = append(edits, jsonscan.Edit{Field: refs[i].Place, Text: text})
			}
			out := jsonscan.Apply(nil, body, edits...)
			if ask, err = format.Peek(out); err != nil {
				t.Fatalf("%s becomes %s: %v", body, out, err)
			}
			if left, err := bearer.Files(out, &ask); err != nil || len(left) > 0 {
				t.Fatalf("%s still names %+v (%v)", out, left, err)
			}
		}
	})
}
