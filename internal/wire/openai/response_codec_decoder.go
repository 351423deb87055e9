package openai

import (
	"bytes"
	"errors"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

const (
	evType = iota
	evDelta
	evText
	evRefusal
	evArguments
	evInput
	evItem
	evItemID
	evOutputIndex
	evContentIndex
	evPart
	evAnnotation
	evResponse
	evError
	evCode
	evMessage
	evLogprobs
	numEvs
)

var (
	evKeys = jsonscan.NewKeys("type", "delta", "text", "refusal", "arguments", "input", "item", "item_id", "output_index",
		"content_index", "part", "annotation", "response", "error", "code", "message", "logprobs")
	failureKeys  = jsonscan.NewKeys("code", "message", "type")
	errNoEvent   = errors.New("openai: this is no event of a response")
	errNoReplyIn = errors.New("openai: an event that ends a response has none")
)

// responseDecoder reads one stream. What an upstream leaves out is made up for by the events that repeat it: texts that came
// without their pieces are taken from what says that they are done, items that were never told from the whole response.
type responseDecoder struct {
	responseReader

	dst          []inference.Delta
	data         []byte
	spans        [numEvs]jsonscan.Field
	begun, ended bool
	items        []*decodedItem
	blocks       int
	calls        bool
}

// StreamDecoder returns a decoder for one stream.
func (responsesCodec) StreamDecoder() wire.StreamDecoder {
	return &responseDecoder{responseReader: responseReader{lenient: true}}
}

// Decode appends what an event says. Events that tell nothing of their own, or that no one knows, are no deltas.
func (d *responseDecoder) Decode(dst []inference.Delta, _, data []byte) ([]inference.Delta, error) {
	if len(bytes.TrimSpace(data)) == 0 || bytes.Equal(data, tokenDone) || d.ended {
		return dst, nil
	}
	d.data = data
	if _, _, err := evKeys.Scan(data, d.spans[:]); err != nil {
		return dst, errNoEvent
	}
	d.dst = dst
	err := d.event()
	dst, d.dst, d.data = d.dst, nil, nil
	return dst, err
}

// Finish says whether the response was complete.
func (d *responseDecoder) Finish(dst []inference.Delta) ([]inference.Delta, error) {
	if !d.ended {
		return dst, wire.ErrCut
	}
	return dst, nil
}

func (d *responseDecoder) of(member int) []byte { return d.spans[member].In(d.data) }

func (d *responseDecoder) texts(member int) string { return d.text(d.of(member), "", "") }

func (d *responseDecoder) emit(delta inference.Delta) { d.dst = append(d.dst, delta) }

func (d *responseDecoder) event() error {
	name := unquoted(d.of(evType))
	switch string(name) {
	case "response.created", "response.in_progress", "response.queued":
		d.begin()
	case "response.completed", "response.incomplete":
		return d.complete()
	case "response.failed", "response.cancelled", "error":
		d.failed()
	case "":
		if !isGiven(d.of(evError)) {
			return errNoEvent
		}
		d.failed()
	case "response.output_item.added", "response.output_item.done":
		d.begin()
		if i, ok := d.item(d.of(evItem), ""); ok {
			d.itemEvent(&i, len(name) == len("response.output_item.done"))
		}
	default:
		d.inner(name)
	}
	return nil
}

// begin tells that the response is under way, with what the event says of it.
func (d *responseDecoder) begin() {
	if d.begun {
		return
	}
	d.begun = true
	begin := inference.Delta{Kind: inference.DeltaBegin}
	if response := d.of(evResponse); isObject(response) {
		if r, ok := readReply(response); ok {
			begin.ID, begin.Model, begin.ServiceTier = r.texts(replyID), r.texts(replyModel), r.texts(replyTier)
			begin.Created = r.integer(r.of(replyCreated), "")
		}
	}
	d.emit(begin)
}

// complete ends the response: what the stream did not tell of its output comes now.
func (d *responseDecoder) complete() error {
	response := d.of(evResponse)
	r, ok := readReply(response)
	if !ok {
		return errNoReplyIn
	}
	d.begin()
	n := 0
	for it := jsonscan.AnyElements(r.of(replyOutput)); it.Next(); n++ {
		if i, ok := d.item(it.Value, ""); ok {
			d.repeated(n, &i)
		}
	}
	d.closeAll()
	status := "completed"
	if r.texts(replyStatus) == "incomplete" || string(unquoted(d.of(evType))) == "response.incomplete" {
		status = "incomplete"
	}
	d.emit(inference.Delta{Kind: inference.DeltaFinish, Stop: r.stop(status, d.calls), ServiceTier: r.texts(replyTier)})
	d.usage(response)
	d.emit(inference.Delta{Kind: inference.DeltaEnd})
	d.ended = true
	return nil
}

func (d *responseDecoder) usage(response []byte) {
	if u, ok := replyUsage(response); ok {
		d.emit(inference.Delta{Kind: inference.DeltaUsage, Usage: u})
	}
}

// failed tells the error of the response, of the event, or the event that is one. What it cost comes first.
func (d *responseDecoder) failed() {
	d.begin()
	holder := d.data
	if response := d.of(evResponse); isObject(response) {
		d.usage(response)
		if r, ok := readReply(response); ok && isObject(r.of(replyError)) {
			holder = r.of(replyError)
		}
	} else if inner := d.of(evError); isObject(inner) {
		holder = inner
	}
	f := &inference.Failure{Category: inference.ServerError}
	var out [3]jsonscan.Field
	if d.scan(failureKeys, holder, out[:], "") {
		f.Code, f.Message = d.text(out[0].In(holder), "", ""), d.text(out[1].In(holder), "", "")
		if f.Code == "" && len(holder) != len(d.data) { // the type of the event is not that of the error
			f.Code = d.text(out[2].In(holder), "", "")
		}
	}
	if known, ok := failureCategories[f.Code]; ok {
		f.Category = known
	}
	d.emit(inference.Delta{Kind: inference.DeltaFailed, Failure: f})
	d.ended = true
}

// failureCategories are those of codes that are not the upstream's own trouble. Source: shared/providers/openai.md, section 2.
var failureCategories = map[string]inference.Category{
	"rate_limit_exceeded": inference.RateLimited, "insufficient_quota": inference.QuotaExhausted,
	"invalid_prompt": inference.InvalidRequest, "bio_policy": inference.ContentPolicy,
	"context_length_exceeded": inference.ContextLength, "image_content_policy_violation": inference.ContentPolicy,
	"rate_limit_error":         inference.RateLimited,
	"content_policy_violation": inference.ContentPolicy, "data_residency_mismatch": inference.InvalidRequest,
	"invalid_image": inference.InvalidRequest, "invalid_image_format": inference.InvalidRequest,
	"invalid_base64_image": inference.InvalidRequest, "invalid_image_url": inference.InvalidRequest,
	"image_too_large": inference.InvalidRequest, "image_too_small": inference.InvalidRequest,
	"image_parse_error": inference.InvalidRequest, "invalid_image_mode": inference.InvalidRequest,
	"image_file_too_large": inference.InvalidRequest, "unsupported_image_media_type": inference.InvalidRequest,
	"empty_image_file": inference.InvalidRequest, "failed_to_download_image": inference.InvalidRequest,
	"image_file_not_found": inference.InvalidRequest, "server_overloaded": inference.Overloaded,
}
