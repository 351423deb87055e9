package relay

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/wire"
)

// Media keeps what calls make, so that callers get addresses of ours, which do not end when the upstream says so.
type Media interface {
	// Keep stores a file and returns the address under which it can be had for a while.
	Keep(ctx context.Context, f *MediaFile) (address string, err error)
	// Fetch gets what an upstream offers at an address, which is never a caller's. upstream is the base URL of its platform.
	Fetch(ctx context.Context, address, upstream string) (content []byte, err error)
}

// MediaFile is one thing that a call made.
type MediaFile struct {
	TenantID, UserID, TaskID id.ID
	Content                  []byte
	// Origin is where the caller reached us, such as https://ai.example.org.
	Origin    string
	Simulated bool
}

// errMedia ends a call whose media could not be kept. Nothing is charged for it.
var errMedia = fault.New(http.StatusServiceUnavailable, "media_unavailable", "What was made could not be stored. Nothing was charged.")

// errFetch says that an upstream's address led to nothing.
var errFetch = errors.New("relay: media not fetched")

// maxBody is the largest body that the operation takes.
func (c *call) maxBody() int64 {
	l := &c.limits
	switch c.op.Format.Kind() {
	case inference.ImageEdits, inference.ImageVariations, inference.VideoGenerations, inference.Transcriptions, inference.Translations:
		return max(l.MaxBody, l.MaxMediaBody)
	case inference.Messages:
		return max(l.MaxBody, min(l.MaxMediaBody, maxMessages))
	case inference.GenerateContent:
		return max(l.MaxBody, min(l.MaxMediaBody, maxContents))
	default:
		return l.MaxBody
	}
}

// What providers whose conversations hold pictures and documents take of one. Source: the provider sheets "anthropic", section
// 0, and "gemini", section 1.
const (
	maxMessages = 32 << 20
	maxContents = 20 << 20
)

var errBoundary = fault.New(http.StatusBadRequest, "malformed_request", "The form has no boundary.")

// checkForm takes note that the request is a form.
func (c *call) checkForm(boundary string) error {
	if boundary == "" {
		return errBoundary
	}
	c.boundary = boundary
	return nil
}

// exchangeMedia gives an answer's media the form in which the caller wants them. An upstream's addresses are never passed
// on: they may name its account, and they end.
func (c *call) exchangeMedia(d *deadline, body []byte) ([]byte, error) {
	bearer, ok := c.op.Format.(wire.MediaBearer)
	if !ok || c.media == nil {
		return body, nil
	}
	media := bearer.Media(body)
	changed := false
	for i := range media {
		done, err := c.exchangeOne(&d.ctx, &media[i])
		if err != nil {
			return nil, err
		}
		changed = changed || done
	}
	if !changed {
		return body, nil
	}
	return bearer.WithMedia(nil, body, media), nil
}

// exchangeOne reports whether a medium changed.
func (c *call) exchangeOne(ctx context.Context, m *wire.Medium) (bool, error) {
	var content []byte
	var err error
	switch {
	case m.URL != "":
		if content, err = c.media.Fetch(ctx, m.URL, c.target.Platform.BaseURL); err != nil {
			return false, errors.Join(errFetch, err)
		}
	case c.ask.MediaForm != wire.AsURL:
		return false, nil
	default:
		if content, err = base64.StdEncoding.DecodeString(string(m.Data)); err != nil {
			return false, errors.Join(errFetch, err)
		}
	}
	if c.ask.MediaForm == wire.AsBase64 {
		*m = wire.Medium{Data: base64.StdEncoding.AppendEncode(nil, content)}
		return true, nil
	}
	*m = wire.Medium{}
	m.URL, err = c.media.Keep(ctx, &MediaFile{
		TenantID: c.principal.TenantID, UserID: c.principal.UserID, TaskID: c.taskID, Content: content, Origin: c.origin(),
		Simulated: c.target.Simulated,
	})
	return true, err
}

// origin is where the caller reached us.
func (c *call) origin() string {
	if c.secure {
		return "https://" + c.req.Host
	}
	return "http://" + c.req.Host
}

// mediaFailed says what it means that media could not be exchanged. What an upstream does not hand out is its failure; what
// we cannot keep is ours, and no reason to have it made again.
func (c *call) mediaFailed(d *deadline, a *tasks.Attempt, err error) provider.Outcome {
	c.log.Error("media not exchanged", "request_id", c.requestID, "task", c.taskID, "error", err)
	if errors.Is(err, errFetch) || d.ctx.Err() != nil {
		return c.broken(d, err, inference.Protocol)
	}
	c.note(a, ok)
	c.hold.Release()
	c.fail(errMedia.Because(err))
	c.statuses = tasks.Failed
	c.record()
	c.delivered = true
	c.answerFailure()
	return ok
}
