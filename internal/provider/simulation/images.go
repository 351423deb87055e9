package simulation

import (
	"context"
	"encoding/base64"
	"errors"
	"hash/fnv"
	"image"
	"net/http"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/simulation/draw"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

// Sizes of pictures, in pixels.
const (
	minEdge     = 16
	maxEdge     = 4096
	maxPicture  = 8 << 20
	defaultEdge = 1024
)

// Tokens that pictures take: at the pace of the platform it decides how long they do.
const (
	perPicture    = 100
	pixelsByToken = 1024
)

// imagesRequest is a request for pictures that was checked.
type imagesRequest struct {
	wire.MediaFacts

	width, height int
	picture, mask image.Image // nil: nothing is edited
	partial       int         // pictures on the way to each
	hash          uint64
}

func (e *engine) images(ctx context.Context, c *provider.Call, p plan) (*http.Response, error) {
	r, refusal := readImages(c)
	if refusal != nil {
		return refusal.response(c), nil
	}
	if c.Stream {
		return response(c, http.StatusOK, "text/event-stream; charset=utf-8", newScript(ctx, e.now, p, e.imageBeats(c.Kind, r, p))), nil
	}
	if err := pause(ctx, p.firstToken()+p.spend(perPicture*int(r.N))); err != nil {
		return nil, provider.SendError(ctx, err)
	}
	data := make([]any, r.N)
	for i := range data {
		data[i] = r.datum(i)
	}
	out := map[string]any{
		"created": e.now().Unix(), "data": data, "size": strconv.Itoa(r.width) + "x" + strconv.Itoa(r.height), "output_format": "png",
	}
	if p.fault != faultNoUsage {
		out["usage"] = r.usage(int(r.N))
	}
	return e.whole(c, []byte(compact(out)), p), nil
}

// readImages reads and checks a request.
func readImages(c *provider.Call) (*imagesRequest, *failure) {
	peek := wire.PeekImages
	if c.Kind == inference.ImageEdits {
		peek = wire.PeekEdits
	} else if c.Kind == inference.ImageVariations {
		peek = wire.PeekVariations
	}
	facts, err := peek(c.Body)
	if err != nil {
		return nil, refusalOf(err)
	}
	if !is(facts.Model, imageModel) {
		return nil, unknownModel(facts.Model)
	}
	r := &imagesRequest{MediaFacts: facts, partial: partialImages(c.Body)}
	var ok bool
	if r.width, r.height, ok = pictureSize(facts.Size); !ok {
		return nil, bad("size", "invalid_value", "Invalid 'size': expected auto, or width x height from 16x16 to 8 megapixels.")
	}
	if refusal := r.decode(); refusal != nil {
		return nil, refusal
	}
	r.hash = digestOf(facts.Model, facts.Prompt, facts.Seed, facts.Size)
	if c.Kind == inference.ImageVariations {
		r.hash = digestOf(facts.Model, facts.Size, string(facts.Inputs[0].Data))
	}
	return r, nil
}

// pictureSize reads a size; auto and nothing are a square.
func pictureSize(size string) (width, height int, ok bool) {
	if size == "" || size == "auto" {
		return defaultEdge, defaultEdge, true
	}
	w, h, _ := strings.Cut(size, "x")
	width, wideOK := number(w, maxEdge)
	height, highOK := number(h, maxEdge)
	return width, height, wideOK && highOK && width >= minEdge && height >= minEdge && width*height <= maxPicture
}

// digestOf makes one number of texts.
func digestOf(texts ...string) uint64 {
	h := fnv.New64a()
	for _, t := range texts {
		_, _ = h.Write(append([]byte(t), 0))
	}
	return h.Sum64()
}

// decode reads the picture that is to be edited, and the mask. One that is only an address is not fetched: then the scene is
// all that there is to see.
func (r *imagesRequest) decode() *failure {
	if len(r.Inputs) == 0 {
		return nil
	}
	var refusal *failure
	if r.picture, refusal = decodeInput(&r.Inputs[0], "image"); refusal != nil {
		return refusal
	}
	r.mask, refusal = decodeInput(&r.Mask, "mask")
	return refusal
}

func decodeInput(in *wire.MediaInput, param string) (image.Image, *failure) {
	if in.Data == nil {
		return nil, nil // there is no picture, and nothing wrong with that
	}
	img, err := draw.Decode(in.Decode())
	switch {
	case errors.Is(err, draw.ErrSize):
		return nil, bad(param, "image_too_large", "The picture has too many pixels.")
	case err != nil:
		return nil, bad(param, "invalid_image", "The picture cannot be read.")
	}
	return img, nil
}

// png paints the i-th picture; each has a seed of its own.
func (r *imagesRequest) png(i, width, height int) []byte {
	scene := draw.New(r.hash + uint64(i)*golden) //nolint:gosec // not negative
	if r.picture != nil {
		return draw.PNG(scene.Edit(r.picture, r.mask, width, height))
	}
	return draw.PNG(scene.Paint(width, height, 0))
}

func (r *imagesRequest) datum(i int) map[string]any {
	text := base64.StdEncoding.EncodeToString(r.png(i, r.width, r.height))
	if r.ResponseFormat == "url" {
		return map[string]any{"url": "data:image/png;base64," + text} // an address that needs no server
	}
	return map[string]any{"b64_json": text}
}

func (r *imagesRequest) usage(n int) map[string]any {
	input, made := count(r.Prompt), n*max(1, r.width*r.height/pixelsByToken)
	pictures := perImage * len(r.Inputs)
	return map[string]any{
		"input_tokens": input + pictures, "output_tokens": made, "total_tokens": input + pictures + made,
		"input_tokens_details": map[string]int{"text_tokens": input, "image_tokens": pictures},
	}
}
