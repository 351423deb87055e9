package sound

import (
	"encoding/binary"
	"time"
)

// oggDuration adds up the packets of Opus, which cannot lie about their length; of Vorbis it reads what the last page claims.
func oggDuration(b []byte) (time.Duration, bool) {
	var r oggReader
	eachPage(b, r.page)
	switch {
	case r.opus:
		return time.Duration(r.micros) * time.Microsecond, r.micros > 0
	case r.rate > 0:
		return claimed(r.granule, uint64(r.rate), len(b))
	}
	return 0, false
}

// eachPage walks over the pages of an Ogg file: where each stands in its stream, the lengths of its segments, its content.
func eachPage(b []byte, visit func(granule uint64, segments, content []byte)) {
	const head = 27
	for len(b) >= head && string(b[:4]) == "OggS" {
		n := int(b[26])
		if len(b) < head+n {
			return
		}
		size := 0
		for _, s := range b[head : head+n] {
			size += int(s)
		}
		content := b[head+n:]
		content = content[:min(size, len(content))]
		visit(binary.LittleEndian.Uint64(b[6:]), b[head:head+n], content)
		b = b[head+n+len(content):]
	}
}

// oggReader follows the packets of a file.
type oggReader struct {
	opus    bool
	rate    uint32 // of Vorbis
	granule uint64
	micros  int64
	within  bool // a packet goes on over the border of a page
}

func (r *oggReader) page(granule uint64, segments, content []byte) {
	if granule != 1<<64-1 {
		r.granule = max(r.granule, granule)
	}
	size := 0
	for _, s := range segments {
		size += int(s)
		if s == 255 {
			continue
		}
		size = min(size, len(content))
		r.packet(content[:size])
		content, size = content[size:], 0
	}
	if size > 0 {
		r.packet(content)
		r.within = true
	}
}

// packet counts a packet, or its beginning: that is where its length is told.
func (r *oggReader) packet(p []byte) {
	if r.within {
		r.within = false
		return
	}
	switch {
	case len(p) >= 8 && string(p[:8]) == "OpusHead":
		r.opus = true
	case len(p) >= 8 && string(p[:8]) == "OpusTags", len(p) == 0:
	case len(p) >= 16 && string(p[:7]) == "\x01vorbis":
		r.rate = binary.LittleEndian.Uint32(p[12:])
	case r.opus:
		r.micros += opusMicros(p)
	}
}

// opusMicros is how long a packet lasts, by its first bytes.
func opusMicros(p []byte) int64 {
	config := p[0] >> 3
	var frame int64
	switch {
	case config < 12:
		frame = [...]int64{10_000, 20_000, 40_000, 60_000}[config&3]
	case config < 16:
		frame = [...]int64{10_000, 20_000}[config&1]
	default:
		frame = [...]int64{2_500, 5_000, 10_000, 20_000}[config&3]
	}
	switch p[0] & 3 {
	case 0:
		return frame
	case 3:
		if len(p) > 1 {
			return min(frame*int64(p[1]&63), 120_000)
		}
		return 0
	}
	return 2 * frame
}
