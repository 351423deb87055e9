package relay

import (
	"errors"
	"net/http"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
)

var (
	errSource = fault.New(http.StatusNotFound, "video_not_found",
		"There is no such video, or it has expired.").At("remixed_from_video_id")
	errUnmade = fault.New(http.StatusBadRequest, "video_not_completed",
		"Only videos that are completed can be remixed.").At("remixed_from_video_id")
)

// openSource finds what the call's answer is to be made from, which is its caller's. Codes: video_not_found,
// video_not_completed.
func (c *call) openSource() error {
	s := c.stored
	source, ok := s.format.Named(s.ask.Source)
	if !ok {
		return errSource
	}
	k, err := c.shelf.Get(c.ctx(), c.owner(), c.op.Format.Kind(), source)
	switch {
	case errors.Is(err, fault.ErrNotFound):
		return errSource
	case err != nil:
		return err
	case len(k.Answer) == 0:
		return errUnmade
	}
	s.past, s.source = []tasks.Kept{k}, string(k.Answer)
	return nil
}

// accountOfSource is what of a lane is the account that has what the answer is made from: no other one can do it.
func (c *call) accountOfSource(l *lane) *lane {
	return newLane(sameAccount(l, &c.stored.past[0]), wire.API(c.op.Format))
}

// sourceName is what the call's answer is made from, as the upstream names it; "": nothing.
func (c *call) sourceName() string {
	if c.stored == nil {
		return ""
	}
	return c.stored.source
}

// keepSource takes down what the upstream calls a job that has ended well, so that others can be made from it.
func (c *call) keepSource(job string) {
	if c.stored != nil {
		c.keepAnswer([]byte(job))
	}
}
