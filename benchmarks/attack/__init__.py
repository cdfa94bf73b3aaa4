"""A malicious researcher against a trust: what do cohort queries tell about groups below the threshold?"""
