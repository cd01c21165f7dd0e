"""Finding epochs in a landing folder."""

import pytest

from lc_pipeline.catalogs import find_epochs, measurement_keys
from lc_pipeline.errors import SurveyConfigError

CHANNELS = "pattern = 'IDF_(?P<epoch>gr[0-9]+)_(?P<measurement>ch[12])[.]ecsv'"


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


def test_epochs_and_their_files_are_sorted_whatever_order_they_landed_in(tmp_path, make_survey):
    touch(tmp_path, "IDF_gr2_ch2.ecsv", "IDF_gr1_ch1.ecsv", "IDF_gr2_ch1.ecsv")
    found = find_epochs(make_survey(files=CHANNELS))
    assert [epoch.epoch for epoch in found.epochs] == ["gr1", "gr2"]
    assert [file.name for file in found.epochs[1].files] == ["IDF_gr2_ch1.ecsv", "IDF_gr2_ch2.ecsv"]
    assert found.epochs[1].files[1].groups == {"epoch": "gr2", "measurement": "ch2"}
    assert found.epochs[1].files[1].path == tmp_path / "IDF_gr2_ch2.ecsv"


def test_folders_below_the_landing_folder_are_part_of_the_name(tmp_path, make_survey):
    touch(tmp_path, "2019/night-1/cat.fits", "2019/night-2/cat.fits", "cat.fits")
    survey = make_survey(files="pattern = '[0-9]{4}/(?P<epoch>night-[0-9]+)/cat[.]fits'")
    found = find_epochs(survey)
    assert [epoch.epoch for epoch in found.epochs] == ["night-1", "night-2"]
    assert found.unmatched == ("cat.fits",)


def test_excluded_files_are_left_out_and_said(tmp_path, make_survey):
    touch(tmp_path, "a.fits", "b.fits", "notes.txt")
    survey = make_survey(files="pattern = '(?P<epoch>.)[.]fits'\nexclude = ['b[.].*']")
    found = find_epochs(survey)
    assert [epoch.epoch for epoch in found.epochs] == ["a"]
    assert found.excluded == ("b.fits",)
    assert found.unmatched == ("notes.txt",)


def test_the_pattern_stands_for_the_whole_name(tmp_path, make_survey):
    touch(tmp_path, "a.fits", "a.fits.part")
    found = find_epochs(make_survey(files="pattern = '(?P<epoch>.)[.]fits'"))
    assert len(found.epochs[0].files) == 1
    assert found.unmatched == ("a.fits.part",)


def test_stores_hidden_files_and_the_survey_file_are_no_catalogues(tmp_path, make_survey):
    touch(
        tmp_path,
        "store/current.json",
        "store/epochs.zarr/c/0",
        "x.zarr/c/0",
        ".b.fits.Kq2",
        "survey.toml",
        "a.fits",
    )
    found = find_epochs(make_survey(files="pattern = '(?P<epoch>.)[.]fits'"))
    assert [epoch.epoch for epoch in found.epochs] == ["a"]
    assert found.unmatched == ()


def test_a_circle_of_links_is_walked_once(tmp_path, make_survey):
    touch(tmp_path, "night/a.fits")
    (tmp_path / "night" / "again").symlink_to(tmp_path, target_is_directory=True)
    found = find_epochs(make_survey(files="pattern = '(.*/)?(?P<epoch>.)[.]fits'"))
    assert [file.name for file in found.epochs[0].files] == ["night/a.fits"]


def test_no_match_names_pattern_folder_and_what_is_there(tmp_path, make_survey):
    touch(tmp_path, "n1.cat", "n2.cat", "n3.cat")
    with pytest.raises(SurveyConfigError) as error:
        find_epochs(make_survey(files="pattern = '(?P<epoch>.+)[.]fits'"))
    message = str(error.value)
    assert "'(?P<epoch>.+)[.]fits'" in message
    assert str(tmp_path) in message
    assert "'n1.cat', 'n2.cat'" in message
    assert "n3.cat" not in message


def test_a_missing_folder_is_named(tmp_path, make_survey):
    with pytest.raises(SurveyConfigError, match=f"no folder {tmp_path}/gone"):
        find_epochs(make_survey(files="folder = 'gone'\npattern = '(?P<epoch>.+)'"))


def test_ten_thousand_files_of_two_channels_are_five_thousand_epochs(tmp_path, make_survey):
    for number in range(10_000):
        (tmp_path / f"IDF_gr{number // 2}_ch{number % 2 + 1}.ecsv").touch()
    survey = make_survey(files=CHANNELS)
    found = find_epochs(survey)
    assert len(found.epochs) == 5000
    assert {len(epoch.files) for epoch in found.epochs} == {2}


def test_measurement_keys_are_expanded_in_configured_order(tmp_path, make_survey):
    touch(tmp_path, "IDF_gr1_ch2.ecsv", "IDF_gr2_ch1.ecsv")
    survey = make_survey(
        "[[measurements]]\nkey = '{measurement}-iso'\nvalue = 'MAG_ISO'\n"
        "[[measurements]]\nkey = '{measurement}-auto'\nvalue = 'MAG_AUTO'\n",
        files=CHANNELS,
    )
    keys = measurement_keys(survey, find_epochs(survey).epochs)
    assert keys == ("ch1-iso", "ch2-iso", "ch1-auto", "ch2-auto")
