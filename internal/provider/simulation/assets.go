package simulation

import (
	"image"
	"strconv"
	"strings"
	"sync"

	"github.com/gantry-ai/gantry/internal/provider/simulation/draw"
)

// Asset is a file that the simulation offers for demonstrations.
type Asset struct {
	ContentType string
	Body        []byte
}

// Size of the assets, in pixels, and the length of the video in seconds.
const (
	assetWidth   = 640
	assetHeight  = 360
	assetSeconds = 3
	assetSeed    = 2026
)

// assets are made when they are first asked for, and kept: they are small.
var assets = map[string]func() Asset{
	"image.svg": sync.OnceValue(func() Asset { return svg("Simulated image", draw.New(assetSeed)) }),
	"image.png": sync.OnceValue(func() Asset {
		return Asset{"image/png", draw.PNG(draw.New(assetSeed).Paint(assetWidth, assetHeight, 0))}
	}),
	"image-edit.svg": sync.OnceValue(func() Asset { return svg("Simulated edit", draw.New(assetSeed+1)) }),
	"image-edit.png": sync.OnceValue(func() Asset {
		var under image.Image = draw.New(assetSeed).Paint(assetWidth, assetHeight, 0)
		return Asset{"image/png", draw.PNG(draw.New(assetSeed+1).Edit(under, nil, assetWidth, assetHeight))}
	}),
	"video-poster.svg": sync.OnceValue(func() Asset { return svg("Simulated video", draw.New(assetSeed)) }),
	"video.mp4": sync.OnceValue(func() Asset {
		return Asset{"video/mp4", filmOf(assetSeed, assetWidth, assetHeight, assetSeconds)}
	}),
}

// StaticAsset returns a file by its name: image.svg, image.png, image-edit.svg, image-edit.png, video-poster.svg, video.mp4.
func StaticAsset(name string) (Asset, bool) {
	build, ok := assets[name]
	if !ok {
		return Asset{}, false
	}
	return build(), true
}

// svg writes a scene as vectors, with what it is as its title.
func svg(title string, s *draw.Scene) Asset {
	var b strings.Builder
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ` + strconv.Itoa(assetWidth) + " " + strconv.Itoa(assetHeight) +
		`" role="img"><title>` + title + `</title>`)
	s.SVG(&b, assetWidth, assetHeight)
	b.WriteString("</svg>")
	return Asset{"image/svg+xml", []byte(b.String())}
}
