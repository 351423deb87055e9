package sound

import (
	"encoding/binary"
	"math"
	"time"
)

// flacDuration reads how many samples the header claims.
func flacDuration(b []byte) (time.Duration, bool) {
	const info = 8 + 34 // the marker, the head of the first block, the block
	if len(b) < info || b[4]&0x7F != 0 {
		return 0, false
	}
	packed := binary.BigEndian.Uint64(b[18:])
	hertz, channels, bits := packed>>44, packed>>41&7+1, packed>>36&31+1
	raw := hertz * channels * bits / 8
	d, ok := claimed(packed&(1<<36-1), hertz, 0)
	if ok && raw > 0 { // compressed, it cannot be larger than it was
		d = max(d, time.Duration(uint64(len(b))*uint64(time.Second/time.Microsecond)/raw)*time.Microsecond) //nolint:gosec // of a file in memory
	}
	return d, ok
}

// mp4Duration reads what the movie's header claims. Fragmented files claim nothing.
func mp4Duration(b []byte) (time.Duration, bool) {
	movie := box(box(b, "moov"), "mvhd")
	switch {
	case len(movie) >= 20 && movie[0] == 0:
		return claimed(uint64(binary.BigEndian.Uint32(movie[16:])), uint64(binary.BigEndian.Uint32(movie[12:])), len(b))
	case len(movie) >= 32 && movie[0] == 1:
		return claimed(binary.BigEndian.Uint64(movie[24:]), uint64(binary.BigEndian.Uint32(movie[20:])), len(b))
	}
	return 0, false
}

// box is the content of the first box of a name; nil when there is none.
func box(b []byte, name string) []byte {
	const head = 8
	for len(b) >= head {
		size, from := uint64(binary.BigEndian.Uint32(b)), uint64(head)
		switch {
		case size == 1 && len(b) >= 2*head:
			size, from = binary.BigEndian.Uint64(b[head:]), 2*head
		case size == 0: // up to the end
			size = uint64(len(b))
		}
		if size < from || size > uint64(len(b)) {
			return nil
		}
		if string(b[4:8]) == name {
			return b[from:size]
		}
		b = b[size:]
	}
	return nil
}

// The elements of WebM on the way to the duration.
const (
	idSegment   = 0x18538067
	idInfo      = 0x1549A966
	idScale     = 0x2AD7B1
	idDuration  = 0x4489
	usualScale  = 1_000_000
	largestTime = 1 << 52
)

// webmDuration reads what the segment's header claims. Recordings that browsers make claim nothing.
func webmDuration(b []byte) (time.Duration, bool) {
	info := element(element(b, idSegment), idInfo)
	scale := uint64(usualScale)
	if v := element(info, idScale); len(v) > 0 && len(v) <= 8 {
		scale = 0
		for _, c := range v {
			scale = scale<<8 | uint64(c)
		}
	}
	var length float64
	switch v := element(info, idDuration); len(v) {
	case 4:
		length = float64(math.Float32frombits(binary.BigEndian.Uint32(v)))
	case 8:
		length = math.Float64frombits(binary.BigEndian.Uint64(v))
	}
	if nanos := length * float64(scale); nanos >= 1 && nanos < largestTime {
		return claimed(uint64(nanos), uint64(time.Second), len(b))
	}
	return 0, false
}

// element is the content of the first element of an id; nil when there is none. One of unknown size goes on to the end.
func element(b []byte, id uint64) []byte {
	for len(b) > 0 {
		got, n := number(b, false)
		size, m := number(b[n:], true)
		if n == 0 || m == 0 {
			return nil
		}
		content := b[n+m:]
		unknown := size == 1<<(7*m)-1
		if unknown || size > uint64(len(content)) {
			size = uint64(len(content))
		}
		if got == id {
			return content[:size]
		}
		b = content[size:]
	}
	return nil
}

// number reads one of EBML's numbers, whose first bit that is set tells its length; bare leaves that bit out.
func number(b []byte, bare bool) (v uint64, n int) {
	if len(b) == 0 || b[0] == 0 {
		return 0, 0
	}
	for n = 1; b[0]>>(8-n) == 0; n++ {
	}
	if len(b) < n {
		return 0, 0
	}
	for _, c := range b[:n] {
		v = v<<8 | uint64(c)
	}
	if bare {
		v &= 1<<(7*n) - 1
	}
	return v, n
}
