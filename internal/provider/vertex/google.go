package vertex

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/gemini"
	wire "github.com/gantry-ai/gantry/internal/wire/gemini"
)

const google = "google"

// Adapter is the adapter "vertex": Google's models.
type Adapter struct{ signer }

type upstream struct{ *account }

// Open checks the account. It asks for no token.
func (a Adapter) Open(acc provider.Account) (provider.Upstream, error) {
	o, err := a.open(&acc, true)
	if err != nil {
		return nil, err
	}
	return &upstream{o}, nil
}

var errKind = errors.New("vertex: the upstream has no such operation")

// Send makes one call. Errors are those of provider.SendError.
func (u *upstream) Send(ctx context.Context, c *provider.Call) (*http.Response, error) {
	switch c.Kind {
	case inference.GenerateContent:
		return u.send(ctx, &target{publisher: google, model: c.Model, action: gemini.Action(c), body: wire.ForVertex(c.Body), stream: c.Stream})
	case inference.Embeddings:
		return u.embed(ctx, c)
	default:
		return nil, errKind
	}
}

// maxEmbeddings bounds an answer that has to be written anew.
const maxEmbeddings = 64 << 20

// embed makes embeddings, which Vertex AI has in another form than the Gemini API.
func (u *upstream) embed(ctx context.Context, c *provider.Call) (*http.Response, error) {
	body, err := wire.ToPredict(c.Body)
	if err != nil {
		return nil, err
	}
	resp, err := u.send(ctx, &target{publisher: google, model: c.Model, action: "predict", body: body})
	if err != nil || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxEmbeddings))
	if err != nil {
		return nil, provider.SendError(ctx, err)
	}
	if own, ok := wire.FromPredict(answer, wire.IsBatch(c.Body)); ok {
		answer = own
	}
	resp.Header.Del("Content-Length")
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(answer)), int64(len(answer))
	return resp, nil
}

// Classify reads an error answer.
func (u *upstream) Classify(r *http.Response, body []byte) provider.Outcome {
	return gemini.Classify(r, body, u.secrets...)
}

// Shape says that streams tell their usage; they do so unasked.
func (u *upstream) Shape() provider.Shape { return provider.Shape{StreamUsage: true} }

var (
	_ provider.Adapter = Adapter{}
	_ provider.Shaper  = (*upstream)(nil)
)
