#!/bin/bash
# Prints one line per filing, and goes on where it stopped, whoever stopped.
#
#   export FILINGWIRE_KEY=fw_…
#   ./subscribe.sh 'http://127.0.0.1:8080/v1/stream?forms=8-K,424B*'
#
# For a machine without the program: bash, curl and perl are all it needs. Debian 12's curl
# is built without ws://, so it only asks for the upgrade and then hands through the bytes
# of the websocket, which perl takes apart: two bytes of head, a longer length where that
# says 126 or 127, then the text. curl cannot answer pings: the server closes the connection
# after 50 s with code 4009, and the loop goes on from the cursor, so that nothing is lost.
# For one lasting connection: `filingwire tail --json`.
#
# The file filingwire.cursor holds the last cursor handled. Write `oldest` into it to begin
# with all that is kept.

frames='
use JSON::PP; $| = 1; binmode STDOUT, ":utf8"; binmode STDERR, ":utf8";
sub take { read(STDIN, my $got, $_[0]) == $_[0] or exit 0; $got }
sub save {
    open my $file, ">", "filingwire.cursor.new" or die; print $file $_[0]; close $file or die;
    rename "filingwire.cursor.new", "filingwire.cursor" or die; # The old cursor or the new one, never half.
}
my ($received, $whole) = 0; # Events since `subscribed`; up to where all of them came.
while (1) {
    my ($kind, $length) = unpack "CC", take(2);
    $length = $length == 126 ? unpack "n", take(2) : $length == 127 ? unpack "Q>", take(8) : $length;
    my $body = $length ? take($length) : "";
    exit(unpack("n", $body) =~ /^44/ ? 1 : 0) if $kind == 0x88; # 4400 to 4499: it would fail again.
    next if $kind != 0x81;
    my $frame = decode_json $body;
    my $filing = $frame->{filing};
    printf "%s  %-8s  %s\n", @$filing{qw(accession form)}, $filing->{filers}[0]{name} // "" if $frame->{type} eq "filing.seen";
    print STDERR "$frame->{message}\n" if $frame->{type} eq "error";
    $received++ if $frame->{seq};
    if ($frame->{type} eq "heartbeat" && $frame->{sent} != $received) {
        print STDERR "$frame->{sent} events were sent, $received came\n";
        save($whole); # What came since the last heartbeat that was right comes again.
        exit 0;
    }
    my $examined = $frame->{through} // $frame->{after};
    $whole = $examined // $whole;
    save($frame->{cursor} // $examined // next);
    exit 1 if $frame->{type} eq "done"; # `until` is reached.
}'

while
  [[ $1 == *\?* ]] && url="$1&" || url="$1?"
  curl -sSfN --http1.1 -H @<(echo "Authorization: Bearer $FILINGWIRE_KEY") -H 'Connection: Upgrade' -H 'Upgrade: websocket' \
    -H 'Sec-WebSocket-Version: 13' -H "Sec-WebSocket-Key: $(head -c 16 /dev/urandom | base64)" \
    "${url}after=$(cat filingwire.cursor 2>/dev/null || echo live)" | perl -e "$frames"
do sleep "$((RANDOM % 3 + 1))"; done # Jitter keeps a thousand clients from coming back in the same moment.
exit 1
