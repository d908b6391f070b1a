#!/usr/bin/python3
# A WebKitGTK browser that WebDriver can drive, on a profile that stays on the disk: MiniBrowser forgets its own when automated.
# What pages tell the console goes into the profile's file `console`.
# browser.py --profile=FOLDER [--features=NAME,NAME]
import argparse
import os

import gi

gi.require_version('Gtk', '3.0')
gi.require_version('WebKit2', '4.1')
from gi.repository import Gtk, WebKit2  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument('--profile', required=True)
parser.add_argument('--features', default='')
given, _ = parser.parse_known_args()
os.dup2(os.open(given.profile + '/console', os.O_CREAT | os.O_WRONLY | os.O_APPEND), 2)

data = WebKit2.WebsiteDataManager(
    base_data_directory=given.profile + '/data', base_cache_directory=given.profile + '/cache'
)
context = WebKit2.WebContext(website_data_manager=data)
context.set_automation_allowed(True)

settings = WebKit2.Settings(enable_write_console_messages_to_stdout=True)
wanted = set(filter(None, given.features.split(',')))
features = WebKit2.Settings.get_all_features()
for feature in (features.get(i) for i in range(features.get_length())):
    if feature.get_identifier() in wanted:
        settings.set_feature_enabled(feature, True)
        wanted.remove(feature.get_identifier())
if wanted:
    parser.error('this WebKitGTK has no feature ' + ', '.join(wanted))


def open_window(*_):
    view = WebKit2.WebView(web_context=context, settings=settings, is_controlled_by_automation=True)
    window = Gtk.Window()
    window.set_default_size(1280, 900)
    window.add(view)
    window.show_all()
    view.connect('close', lambda *_: window.destroy())
    return view


def begin(_, session):
    info = WebKit2.ApplicationInfo()
    info.set_name('idbvault')
    version = (WebKit2.get_major_version(), WebKit2.get_minor_version(), WebKit2.get_micro_version())
    info.set_version(*version)
    session.set_application_info(info)
    session.connect('create-web-view', open_window)


context.connect('automation-started', begin)
Gtk.main()
