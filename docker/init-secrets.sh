#!/bin/sh
# Makes ./secrets for docker-compose.yml: passwords, the secret of the tokens, and certificates for the broker's TLS port.
# Needs openssl. What is there already stays as it is. Usage: docker/init-secrets.sh [NAME-OR-ADDRESS-OF-THIS-HOST ...]
set -eu
cd "$(dirname "$0")/.."
folder=${SECRETS_DIR:-secrets}
umask 077
mkdir -p "$folder"
# The folder shuts everybody out. The files in it are readable by all: the containers see them under accounts of their own.
chmod 700 "$folder"

keep() { # keep NAME: standard input, unless it is there
  if [ -s "$folder/$1" ]; then
    cat >/dev/null
  else
    cat >"$folder/$1.new"
    chmod 444 "$folder/$1.new"
    mv "$folder/$1.new" "$folder/$1"
    echo "made $folder/$1"
  fi
}
random() { openssl rand -hex "$1"; }

random 24 | keep postgres_password
printf 'postgresql://frostguard:%s@postgres:5432/frostguard\n' "$(cat "$folder/postgres_password")" | keep database_url
printf 'mqtts://frostguard-ingest:%s@broker:8883\n' "$(random 24)" | keep mqtt_url
random 48 | keep jwt_secret
random 10 | keep s3_access_key
random 24 | keep s3_secret_key
printf '{"identities":[{"name":"frostguard","credentials":[{"accessKey":"%s","secretKey":"%s"}],"actions":["%s"]}]}\n' \
  "$(cat "$folder/s3_access_key")" "$(cat "$folder/s3_secret_key")" 'Admin","Read","Write","List","Tagging' | keep s3.json

if [ ! -s "$folder/server.crt" ]; then
  names="DNS:broker,DNS:localhost,IP:127.0.0.1"
  for each in "$@"; do
    case $each in
      *[!0-9.]*) names="$names,DNS:$each" ;;
      *) names="$names,IP:$each" ;;
    esac
  done
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 3650 -subj "/CN=FrostGuard CA" \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" \
    -keyout "$work/ca.key" -out "$work/ca.crt" 2>/dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -subj "/CN=broker" \
    -keyout "$work/server.key" -out "$work/server.csr" 2>/dev/null
  printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\nbasicConstraints=critical,CA:FALSE\n' "$names" >"$work/extensions"
  openssl x509 -req -sha256 -days 825 -in "$work/server.csr" -CA "$work/ca.crt" -CAkey "$work/ca.key" -CAcreateserial \
    -extfile "$work/extensions" -out "$work/server.crt" 2>/dev/null
  for each in ca.crt ca.key server.key server.crt; do keep "$each" <"$work/$each"; done
  chmod 400 "$folder/ca.key" # no container needs it; keep it elsewhere
fi
echo "gateways trust $folder/ca.crt; next: docker compose up --build --detach --wait"
