"""Where panels turn yellow and red; what is promised is written in deploy/prometheus."""

from deploy.grafana.panels import Limits

ANSWERED = Limits(warn=0.998, bad=0.995)
FIRST_TOKEN = Limits(warn=1.5, bad=2.5)
FIRST_AUDIO = Limits(warn=1.0, bad=1.5)
GAPS = Limits(warn=0.5, bad=1)  # a minute of sound
LOOP = Limits(warn=0.02, bad=0.05)  # design: it never stands still for more than 50 ms
FULL = Limits(warn=0.6, bad=0.8)  # of what a stream may hold
GONE = Limits(warn=1, bad=0.5)  # 1 is there, 0 is not
ANY = Limits(warn=1e-9)  # yellow as soon as it happens
