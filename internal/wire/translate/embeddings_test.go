package translate_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/gemini"
	"github.com/gantry-ai/gantry/internal/wire/openai"
	"github.com/gantry-ai/gantry/internal/wire/translate"
	"github.com/gantry-ai/gantry/internal/wire/wiretest"
)

var embeddingCodecs = []wire.EmbeddingCodec{openai.EmbeddingCodec, gemini.EmbeddingCodec}

func embeddingBridge(caller, upstream wire.EmbeddingCodec) *translate.Embeddings {
	return &translate.Embeddings{Caller: caller, Upstream: upstream}
}

// TestVectorsStayWhatTheyAre: texts, lengths, vectors and usage arrive as they were sent, for every ordered pair.
func TestVectorsStayWhatTheyAre(t *testing.T) {
	t.Parallel()
	for _, caller := range embeddingCodecs {
		for _, upstream := range embeddingCodecs {
			for seed := range uint64(rounds / 3) {
				carryVectors(t, seed, embeddingBridge(caller, upstream))
			}
		}
	}
}

func carryVectors(t *testing.T, seed uint64, b *translate.Embeddings) {
	t.Helper()
	s := wiretest.NewSource(seed)
	asked, vectors := s.Embedding()
	body, err := b.Caller.EncodeEmbedding(asked, &wire.Losses{})
	if err != nil {
		t.Fatal(err)
	}
	x, err := b.Request(body, "embed-m")
	if err != nil {
		t.Fatalf("seed %d: %v\n%s", seed, err, body)
	}
	got, err := b.Upstream.DecodeEmbedding(x.Body)
	if err != nil || len(x.Losses) > 0 || len(got.Inputs) != len(asked.Inputs) {
		t.Fatalf("seed %d: %v %+v\n%s", seed, err, x.Losses, x.Body)
	}
	for i, in := range asked.Inputs {
		if g := got.Inputs[i]; g.Text != in.Text || g.Dimensions != in.Dimensions || g.Purpose != in.Purpose {
			t.Fatalf("seed %d: %+v, want %+v", seed, g, in)
		}
	}
	raw, err := b.Upstream.EncodeVectors(vectors, got)
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(x.Whole(io.NopCloser(bytes.NewReader(raw))))
	if err != nil {
		t.Fatalf("seed %d: %v\n%s", seed, err, raw)
	}
	back, err := b.Caller.DecodeVectors(out)
	if err != nil || len(back.Values) != len(vectors.Values) || back.Usage.InputTokens() != 7 {
		t.Fatalf("seed %d: %v\n%s", seed, err, out)
	}
	for i := range back.Values {
		if !bytes.Equal(back.Values[i], vectors.Values[i]) {
			t.Fatalf("seed %d: %s, want %s", seed, back.Values[i], vectors.Values[i])
		}
	}
	if u, told := x.Usage(); !told || u.InputTokens() != 7 || x.Kind() != inference.Embeddings {
		t.Errorf("seed %d: %+v, %v", seed, u, told)
	}
}

// TestEmbeddings is what each member becomes.
func TestEmbeddings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		caller, upstream         wire.EmbeddingCodec
		model, body, want, paths string
	}{
		{
			openai.EmbeddingCodec, gemini.EmbeddingCodec, "gemini-embedding-001",
			`{"model":"x","input":"a","dimensions":5,"encoding_format":"base64","input_type":"search_query","user":"u","runMode":"live"}`,
			`{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"a"}]},"taskType":"RETRIEVAL_QUERY","outputDimensionality":5}`, "user",
		},
		{
			openai.EmbeddingCodec, gemini.EmbeddingCodec, "tunedModels/m", `{"model":"x","input":["a","b"],"task":"odd","truncate":"END"}`,
			`{"requests":[{"model":"tunedModels/m","content":{"parts":[{"text":"a"}]}},{"model":"tunedModels/m","content":{"parts":[{"text":"b"}]}}]}`,
			"task truncate",
		},
		{
			gemini.EmbeddingCodec, openai.EmbeddingCodec, "text-embedding-3-large",
			`{"model":"models/x","content":{"parts":[{"text":"a"},{"text":"b"}]},"taskType":"RETRIEVAL_DOCUMENT","title":"t","output_dimensionality":3}`,
			`{"model":"text-embedding-3-large","input":["a\nb"],"dimensions":3,"encoding_format":"float"}`, "content.title content.purpose",
		},
		{
			gemini.EmbeddingCodec, openai.EmbeddingCodec, "embed-v4.0",
			`{"requests":[{"model":"models/x","content":{"parts":[{"text":"a"}]},"taskType":"RETRIEVAL_DOCUMENT"}]}`,
			`{"model":"embed-v4.0","input":["a"],"input_type":"search_document","encoding_format":"float"}`, "",
		},
		{
			gemini.EmbeddingCodec, openai.EmbeddingCodec, "jina-embeddings-v3",
			`{"content":{"parts":[{"text":"a"}]},"taskType":"SEMANTIC_SIMILARITY"}`,
			`{"model":"jina-embeddings-v3","input":["a"],"task":"text-matching","encoding_format":"float"}`, "",
		},
	} {
		x, err := embeddingBridge(c.caller, c.upstream).Request([]byte(c.body), c.model)
		if err != nil {
			t.Errorf("%s: %v", c.body, err)
			continue
		}
		var paths []string
		for _, l := range x.Losses {
			paths = append(paths, l.Path)
		}
		if string(x.Body) != c.want || strings.Join(paths, " ") != c.paths {
			t.Errorf("got  %s %v\nwant %s", x.Body, paths, c.want)
		}
	}
}

// TestWhatNobodyCanEmbed is refused with its path.
func TestWhatNobodyCanEmbed(t *testing.T) {
	t.Parallel()
	many := `{"model":"m","input":[` + strings.TrimSuffix(strings.Repeat(`"a",`, 101), ",") + `]}`
	for _, c := range []struct {
		caller, upstream wire.EmbeddingCodec
		body, path       string
	}{
		{openai.EmbeddingCodec, gemini.EmbeddingCodec, `{"model":"m","input":[1,2]}`, "input[0]"},
		{openai.EmbeddingCodec, gemini.EmbeddingCodec, `{"model":"m"}`, "input"},
		{openai.EmbeddingCodec, gemini.EmbeddingCodec, many, "input"},
		{gemini.EmbeddingCodec, openai.EmbeddingCodec, `{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":""}}]}}`, "content.parts[0].inlineData"},
		{gemini.EmbeddingCodec, openai.EmbeddingCodec, `{"requests":[{"content":{"parts":[]}},{"content":{"parts":[]},"outputDimensionality":3}]}`, "requests[1].content"},
		{gemini.EmbeddingCodec, openai.EmbeddingCodec, `{"requests":[]}`, "requests"},
		{gemini.EmbeddingCodec, openai.EmbeddingCodec, `{"title":"t"}`, "content"},
	} {
		_, err := embeddingBridge(c.caller, c.upstream).Request([]byte(c.body), "m")
		var f *fault.Error
		if !errors.As(err, &f) || strings.TrimPrefix(f.Path, ".") != c.path {
			t.Errorf("%.60s: %v", c.body, err)
		}
	}
	b := embeddingBridge(openai.EmbeddingCodec, gemini.EmbeddingCodec)
	b.Policy = wire.RefuseLosses
	if _, err := b.Request([]byte(`{"model":"m","input":"a","user":"u"}`), "m"); err == nil {
		t.Error("a parameter is lost against the policy")
	}
}

// TestVectorsInAnyForm: packed where the caller wants them so, and unpacked where the upstream packs; as many as inputs.
func TestVectorsInAnyForm(t *testing.T) {
	t.Parallel()
	packed := embeddingBridge(openai.EmbeddingCodec, gemini.EmbeddingCodec)
	x, err := packed.Request([]byte(`{"model":"m","input":"a","encoding_format":"base64"}`), "m")
	if err != nil {
		t.Fatal(err)
	}
	out, err := x.Answer([]byte(`{"embedding":{"values":[1,-0.5]}}`))
	if err != nil || string(out) != `{"object":"list","data":[{"object":"embedding","index":0,"embedding":"AACAPwAAAL8="}],"model":"m"}` {
		t.Errorf("%s: %v", out, err)
	}
	for _, none := range []string{`{"embeddings":[]}`, `{"embedding":{}}`, `{"error":{"code":400}}`, `{"embedding":{"values":["x"]}}`, `[]`} {
		if out, err := x.Answer([]byte(none)); err == nil {
			t.Errorf("%s becomes %s", none, out)
		}
	}
	y, err := embeddingBridge(gemini.EmbeddingCodec, openai.EmbeddingCodec).Request([]byte(
		`{"requests":[{"content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"b"}]}}]}`), "m")
	if err != nil {
		t.Fatal(err)
	}
	out, err = y.Answer([]byte(`{"data":[{"index":1,"embedding":"AACAPwAAAL8="},{"index":0,"embedding":[2]}],"usage":{"prompt_tokens":3,"total_tokens":3}}`))
	if err != nil || string(out) != `{"embeddings":[{"values":[2]},{"values":[1,-0.5]}],"usageMetadata":{"promptTokenCount":3,"totalTokenCount":3}}` {
		t.Errorf("%s: %v", out, err)
	}
	for _, none := range []string{
		`{"data":[{"index":1,"embedding":[1]}]}`, `{"data":[{"index":0,"embedding":[1]}]}`, `{"data":[{"index":-1,"embedding":[1]}]}`,
		`{"data":[{"index":0,"embedding":"x"},{"index":1,"embedding":[1]}]}`, `{"data":[{"index":99999999,"embedding":[1]}]}`, `{"error":{"message":"x"}}`,
	} {
		if out, err := y.Answer([]byte(none)); err == nil {
			t.Errorf("%s becomes %s", none, out)
		}
	}
}

// FuzzEmbeddings: nothing that anybody sends breaks anything, and what goes out is JSON.
func FuzzEmbeddings(f *testing.F) {
	f.Add([]byte(`{"model":"m","input":["a"]}`), []byte(`{"embedding":{"values":[1]}}`))
	f.Add([]byte(`{"requests":[{"content":{"parts":[{"text":"a"}]}}]}`), []byte(`{"data":[{"index":0,"embedding":"AACAPw=="}]}`))
	f.Fuzz(func(t *testing.T, body, answer []byte) {
		for _, caller := range embeddingCodecs {
			for _, upstream := range embeddingCodecs {
				x, err := embeddingBridge(caller, upstream).Request(body, "m")
				if err != nil {
					continue
				}
				if !json.Valid(x.Body) {
					t.Fatalf("%s becomes %s", body, x.Body)
				}
				if out, err := x.Answer(answer); err == nil && json.Valid(answer) && !json.Valid(out) {
					t.Fatalf("%s becomes %s", answer, out)
				}
			}
		}
	})
}
