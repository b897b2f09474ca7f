"""Alerts that are one trouble: put together by place, time and text, and by hand where people know better."""
