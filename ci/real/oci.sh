# Write OCI archives by hand: one layer, no tool but tar and sha256sum. Sourced by `images` and `kind/images`.

# oci_blob LAYOUT FILE: moves it into the layout under its digest, prints "digest size"
oci_blob() { local d s; d=$(sha256sum "$2" | cut -d' ' -f1); s=$(stat -c %s "$2"); mv "$2" "$1/blobs/sha256/$d"; echo "sha256:$d $s"; }

# oci_image NAME CONFIG ROOTFS ARCHIVE: CONFIG is the members of the image's config object; the layout is made beside the archive
oci_image() {
  local layout=$4.layout ld ls cd cs md ms
  rm -rf "$layout"; mkdir -p "$layout/blobs/sha256"
  tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$3" -cf "$layout/layer" .
  read -r ld ls <<<"$(oci_blob "$layout" "$layout/layer")"
  printf '{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],%s},"rootfs":{"type":"layers","diff_ids":["%s"]},"history":[{"created":"1970-01-01T00:00:00Z"}]}' "$2" "$ld" > "$layout/config"
  read -r cd cs <<<"$(oci_blob "$layout" "$layout/config")"
  printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"%s","size":%s}]}' "$cd" "$cs" "$ld" "$ls" > "$layout/manifest"
  read -r md ms <<<"$(oci_blob "$layout" "$layout/manifest")"
  printf '{"imageLayoutVersion":"1.0.0"}' > "$layout/oci-layout"
  printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":%s,"platform":{"architecture":"amd64","os":"linux"},"annotations":{"io.containerd.image.name":"%s","org.opencontainers.image.ref.name":"%s"}}]}' "$md" "$ms" "$1" "${1##*:}" > "$layout/index.json"
  tar -C "$layout" -cf "$4" .
  rm -rf "$layout"
}
